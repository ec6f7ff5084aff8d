package stasis.live.launcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.live.Repository;
import stasis.live.launcher.Checkout.Run;

final class LauncherTest {
  @TempDir private Path folder = Path.of("");

  @Test
  void theNamedHomeComesFirst() throws IOException, InterruptedException {
    Checkout checkout = new Checkout(folder).built();
    Path named = checkout.jdk("named", "25.0.1");
    checkout.with("JAVA_HOME", checkout.jdk("other", "25.0.9").toString());
    checkout.jdk("jvm/newest", "26");

    assertThat(checkout.with("STASIS_JAVA_HOME", named.toString()).run("doctor").home()).isEqualTo(named.toString());
  }

  @Test
  void aNamedHomeThatIsNoneIsToldAndNotReplaced() throws IOException, InterruptedException {
    Checkout checkout = new Checkout(folder).built();
    checkout.jdk("jvm/good", "25.0.1");

    Run run = checkout.with("STASIS_JAVA_HOME", checkout.jdk("old", "21.0.4").toString()).run("doctor");

    assertThat(run.status()).isEqualTo(2);
    assertThat(run.err().lines()).singleElement().asString().contains("STASIS_JAVA_HOME", "old", "25 or newer");
  }

  @Test
  void anOldJavaHomeIsPassedOver() throws IOException, InterruptedException {
    Checkout checkout = new Checkout(folder).built();
    Path good = checkout.jdk("jvm/good", "25.0.1");

    assertThat(checkout.with("JAVA_HOME", checkout.jdk("old", "17.0.15").toString()).run("doctor").home())
        .isEqualTo(good.toString());
  }

  @Test
  void versionsAreComparedAsNumbers() throws IOException, InterruptedException {
    Checkout checkout = new Checkout(folder).built();
    checkout.jdk("jvm/a", "25.0.9");
    Path newest = checkout.jdk("jvm/b", "25.0.10");
    checkout.jdk("jvm/c", "25");
    checkout.jdk("jvm/d", "24.9.9");

    assertThat(checkout.run("doctor").home()).isEqualTo(newest.toString());
  }

  @Test
  void theJavaOnThePathIsTheLastResort() throws IOException, InterruptedException {
    Checkout checkout = new Checkout(folder).built();
    Path home = checkout.jdk("elsewhere", "27-ea");
    Files.createSymbolicLink(checkout.path("tools/java"), home.resolve("bin/java"));

    assertThat(checkout.run("doctor").home()).isEqualTo(home.toString());
  }

  @Test
  void withoutJavaThereIsOneSentence() throws IOException, InterruptedException {
    Checkout checkout = new Checkout(folder).built();
    checkout.jdk("jvm/old", "21.0.4");

    Run run = checkout.run("doctor");
    Run restore = checkout.run("restore", "/i");

    assertThat(run.status()).isEqualTo(2);
    assertThat(run.err().lines()).singleElement().asString().contains("no JDK 25 or newer", "install");
    assertThat(restore.status()).as("restore ends as a program does, so its own failures are 125").isEqualTo(125);
  }

  @Test
  void argumentsArriveAsTheyWere() throws IOException, InterruptedException {
    Checkout checkout = new Checkout(folder).built();
    checkout.jdk("jvm/good", "25");

    List<String> arguments = checkout.run("a b", "", "*", "--x=$HOME").arguments();

    assertThat(arguments.subList(arguments.size() - 6, arguments.size()))
        .containsExactly("-m", "stasis.cli/stasis.cli.Main", "a b", "", "*", "--x=$HOME");
  }

  @Test
  void itWorksThroughSymlinksFromAnyFolder() throws IOException, InterruptedException {
    Checkout checkout = new Checkout(folder).built();
    checkout.jdk("jvm/good", "25");
    Path link = Files.createSymbolicLink(checkout.path("tools/stasis"), Path.of("../bin/stasis"));
    Path second = Files.createSymbolicLink(checkout.path("again"), link);

    Run run = checkout.run(second, Path.of("/"), "doctor");

    assertThat(run.arguments()).contains(checkout.path("cli/target/app/lib/a.jar") + ":"
        + checkout.path("cli/target/app/lib/b.jar"), "doctor");
  }

  @Test
  void whatIsMissingIsBuiltWithTheJavaFound() throws IOException, InterruptedException {
    Checkout checkout = new Checkout(folder);
    Path home = checkout.jdk("jvm/good", "25");
    checkout.maven("""
        echo "$JAVA_HOME $*" > called
        mkdir -p cli/target/app/lib
        touch cli/target/app/lib/a.jar
        """);

    Run first = checkout.run("doctor");
    Run second = checkout.run("doctor");

    assertThat(first.home()).isEqualTo(home.toString());
    assertThat(first.err().lines()).singleElement().asString().startsWith("stasis: building");
    assertThat(Files.readString(checkout.path("called"))).startsWith(home + " ").contains("-pl cli -am package");
    assertThat(second.err()).as("built once").isEmpty();
  }

  @Test
  void newerSourcesAreBuiltAgain() throws IOException, InterruptedException {
    Checkout checkout = new Checkout(folder).built();
    checkout.jdk("jvm/good", "25");
    checkout.maven("mkdir -p cli/target/app/lib; touch cli/target/app/lib/new.jar\n");
    Files.setLastModifiedTime(checkout.path("cli/target/app/built"), FileTime.from(Instant.EPOCH.plusSeconds(9)));
    Files.setLastModifiedTime(checkout.path("cli/src/main/Source.java"), FileTime.from(Instant.now()));

    assertThat(checkout.run("doctor").arguments()).contains(checkout.path("cli/target/app/lib/new.jar").toString());
  }

  @Test
  void aFailedBuildShowsWhyAndStartsNothing() throws IOException, InterruptedException {
    Checkout checkout = new Checkout(folder);
    checkout.jdk("jvm/good", "25");
    checkout.maven("echo 'the reason'; exit 1\n");

    Run run = checkout.run("doctor");

    assertThat(run.status()).isEqualTo(2);
    assertThat(run.home()).isEmpty();
    assertThat(run.err()).contains("the reason", "the build failed", "build.log");
  }

  @Test
  void withoutMavenThereIsOneSentence() throws IOException, InterruptedException {
    Checkout checkout = new Checkout(folder);
    checkout.jdk("jvm/good", "25");

    Run run = checkout.run("doctor");

    assertThat(run.status()).isEqualTo(2);
    assertThat(run.err().lines()).singleElement().asString().contains("Maven", "no mvn on the PATH");
  }

  @Test
  void theCacheIsMadeOnceAndAgainWhenAJarChanges() throws IOException, InterruptedException {
    Checkout checkout = new Checkout(folder).built().with("STASIS_AOT", "");
    checkout.jdk("jvm/good", "25");

    Run first = checkout.run("doctor");
    Run second = checkout.run("doctor");
    Files.setLastModifiedTime(checkout.path("cli/target/app/lib/b.jar"),
        FileTime.from(Instant.now().plusSeconds(60)));
    Run third = checkout.run("doctor");

    String cache = "-XX:AOTCache=" + checkout.path("cli/target/app/stasis-Nobody_25+1.aot");
    assertThat(first.arguments()).contains(cache).doesNotContain("--illegal-native-access=deny");
    assertThat(first.err()).contains("start-up cache");
    assertThat(second.arguments()).contains(cache);
    assertThat(second.err()).isEmpty();
    assertThat(third.err()).contains("start-up cache");
  }

  @Test
  void withoutCacheItStartsAllTheSameAndTriesOnlyOnce() throws IOException, InterruptedException {
    Checkout checkout = new Checkout(folder).built().with("STASIS_AOT", "");
    Path home = checkout.jdk("jvm/good", "25");
    checkout.script(home.resolve("bin/java"), """
        case "$*" in *AOTCacheOutput*) exit 1 ;; esac
        printf '%s\\n' "$@"
        """);

    Run first = checkout.run("doctor");
    Run second = checkout.run("doctor");

    assertThat(first.status()).isZero();
    assertThat(first.arguments()).contains("--illegal-native-access=deny")
        .noneMatch(argument -> argument.startsWith("-XX:AOTCache="));
    assertThat(second.err()).isEmpty();
  }

  @Test
  void onlyLongVerbsGetTheOptimizingCompiler() throws IOException, InterruptedException {
    Checkout checkout = new Checkout(folder).built();
    checkout.jdk("jvm/good", "25");

    assertThat(checkout.run("doctor").arguments()).contains("-XX:TieredStopAtLevel=1");
    assertThat(checkout.run("checkpoint", "1").arguments()).doesNotContain("-XX:TieredStopAtLevel=1");
  }

  @Test
  void aReadOnlyCheckoutServesAUserWithoutAHome() throws IOException, InterruptedException {
    assumeTrue("root".equals(System.getProperty("user.name")), "needs to be root, to become nobody");
    Checkout checkout = new Checkout(folder).built().with("STASIS_AOT", "").with("HOME", "/nonexistent");
    Path home = checkout.jdk("jvm/good", "25");
    checkout.runCommand(List.of("/bin/chmod", "-R", "a+rX,go-w", folder.toString()), folder);

    Run run = checkout.runCommand(List.of("/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
        checkout.path("bin/stasis").toString(), "doctor"), Path.of("/"));

    assertThat(run.home()).isEqualTo(home.toString());
    assertThat(run.err()).isEmpty();
    assertThat(run.arguments()).noneMatch(argument -> argument.startsWith("-XX:AOTCache"));
  }

  @Test
  void theRealOneSaysItsVersion() throws IOException, InterruptedException {
    Path root = Repository.root();
    assumeTrue(Files.isDirectory(root.resolve("cli/target/app/lib")), "needs a packaged build, as bin/check makes it");
    Checkout environment = new Checkout(folder).with("JAVA_HOME", System.getProperty("java.home"))
        .with("STASIS_BUILD", "never");

    Run run = environment.run(root.resolve("bin/stasis"), Path.of("/"), "--version");

    assertThat(run.err()).isEmpty();
    assertThat(run.out()).startsWith("stasis 0.1.0 (Java ");
  }
}
