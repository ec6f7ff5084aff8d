package stasis.live.launcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// When the launcher starts from a start-up image, and when it starts the ordinary way: with a made-up image that says
/// who it is.
final class WarmLauncherTest {
  private static final long MADE_WITHIN_MS = 20_000;

  @TempDir private Path folder = Path.of("");
  private Optional<Checkout> fake = Optional.empty();
  private Path start = Path.of("");
  private Path image = Path.of("");

  @BeforeEach
  void anImageIsThere() throws IOException {
    Checkout checkout = new Checkout(folder).built().with("STASIS_WARM", "").with("STASIS_AOT", "");
    fake = Optional.of(checkout);
    checkout.jdk("jvm/good", "25");
    start = checkout.path("cli/target/app/start");
    Files.createDirectory(start, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    image = start.resolve(Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).strip() + " Nobody 25+1");
    checkout.script(image, "echo image \"$@\"\n");
    FileTime made = FileTime.from(Instant.now().plusSeconds(1));
    Files.setLastModifiedTime(image, made);
    Files.createFile(made());
    Files.setLastModifiedTime(made(), made);
  }

  private Checkout checkout() {
    return fake.orElseThrow();
  }

  private Path made() {
    return Path.of(image + ".stamp");
  }

  @Test
  void checkpointAndRestoreStartFromItWithTheirWords() throws IOException, InterruptedException {
    assertThat(checkout().run("checkpoint", "1", "--image", "a b").out()).isEqualTo("image checkpoint 1 --image a b\n");
    assertThat(checkout().run("restore", "x").out()).isEqualTo("image restore x\n");
  }

  @Test
  void otherVerbsAndWhatItIsNotMadeForStartTheOrdinaryWay() throws IOException, InterruptedException {
    ordinary("doctor");
    ordinary("checkpoint", "--help");
    ordinary("checkpoint", "1", "--repo", "r", "--name", "n", "--track-huge");
    ordinary("restore", "x", "--tcp-established");
  }

  @Test
  void everyOptionThatAPlainLineHasStartsFromIt() throws IOException, InterruptedException {
    for (String line : List.of("checkpoint 1 --repo r --name n --track --leave-running --json=f -q",
        "checkpoint 1 --repo=r --name=n --pre-copy=3 --strict --max-freeze 9 -v", "checkpoint 1 --image=i --force",
        "restore --repo r n --lazy --quiet --verbose", "restore x --detach --pidfile p --dry-run --json")) {
      assertThat(checkout().run(line.split(" ")).out()).isEqualTo("image " + line + "\n");
    }
  }

  @Test
  void aDetachedLazyRestoreEndsWithWhatIsSaidThroughTheDescriptor() throws IOException, InterruptedException {
    checkout().script(image, "[ \"$STASIS_STATUS_FD\" = 9 ] && echo image \"$@\" && echo 42 >&9\n");
    as(image, FileTime.from(Instant.now().plusSeconds(1)));

    Checkout.Run run = checkout().run("restore", "x", "--lazy", "--detach");

    assertThat(run.out()).isEqualTo("image restore x --lazy --detach\n");
    assertThat(run.status()).isEqualTo(42);
  }

  @Test
  void oneThatBecomesTheOrdinaryCommandSaysTheStatusAllTheSame() throws IOException, InterruptedException {
    checkout().script(image, "STASIS_WARM=never exec '" + folder + "/bin/stasis' \"$@\"\n");
    as(image, FileTime.from(Instant.now().plusSeconds(1)));
    checkout().script(folder.resolve("jvm/good/bin/java"),
        "case \"$*\" in *restore*) echo ordinary; echo 42 >&\"$STASIS_STATUS_FD\" ;; esac\n");

    Checkout.Run run = checkout().run("restore", "x", "--lazy", "--detach");

    assertThat(run.out()).isEqualTo("ordinary\n");
    assertThat(run.status()).isEqualTo(42);
  }

  @Test
  void theImageLooksAtTheSourcesAndWhereTheyAreOthersThatIsTheOrdinaryCommands()
      throws IOException, InterruptedException {
    Files.setLastModifiedTime(folder.resolve("cli/src/main/Source.java"), FileTime.from(Instant.now().plusSeconds(60)));
    checkout().maven("mkdir -p cli/target/app/lib; touch cli/target/app/lib/new.jar\n");
    assertThat(checkout().run("restore", "x").out()).isEqualTo("image restore x\n");

    checkout().with("STASIS_WARM", "again");
    Checkout.Run run = checkout().run("restore", "x");

    assertThat(run.err()).contains("stasis: building");
    assertThat(run.out()).doesNotContain("image").contains(folder + "/cli/target/app/lib/new.jar");
  }

  @Test
  void anImageThatFoundOtherSourcesIsMadeAgainAlsoWhereTheBuildIsNotOlder() throws IOException, InterruptedException {
    checkout().with("STASIS_WARM", "again");
    ordinary("checkpoint", "1");

    assertThat(image).doesNotExist();
  }

  private static void as(Path file, FileTime when) throws IOException {
    Files.setLastModifiedTime(file, when);
    Files.setLastModifiedTime(Path.of(file + ".stamp"), when);
  }

  @Test
  void whoDoesNotWantItOrHasOptionsForTheJvmStartsTheOrdinaryWay() throws IOException, InterruptedException {
    checkout().with("STASIS_WARM", "never");
    ordinary("checkpoint", "1");
    checkout().with("STASIS_WARM", "").with("STASIS_JAVA_OPTIONS", "-Xlog:gc");
    ordinary("checkpoint", "1");
  }

  @Test
  void oneThatWasWrittenToSinceItWasMadeIsNotUsed() throws IOException, InterruptedException {
    Files.setLastModifiedTime(image, FileTime.from(Instant.now().plusSeconds(2)));

    ordinary("checkpoint", "1");
  }

  @Test
  void alsoNotOneThatIsALinkOrInAFolderThatIs() throws IOException, InterruptedException {
    Path elsewhere = folder.resolve("elsewhere");
    Files.move(image, elsewhere);
    Files.createSymbolicLink(image, elsewhere);
    ordinary("checkpoint", "1");
    Files.delete(image);
    Files.move(elsewhere, image);
    Files.move(start, elsewhere);
    Files.createSymbolicLink(start, elsewhere);
    ordinary("checkpoint", "1");
  }

  @Test
  void alsoNotOneOfAnotherUsers() throws IOException, InterruptedException {
    assumeTrue("root".equals(System.getProperty("user.name")), "needs to be root, to give files away");
    Files.setAttribute(image, "unix:uid", 65534);
    ordinary("checkpoint", "1");
    Files.setAttribute(image, "unix:uid", 0);
    Files.setAttribute(start, "unix:uid", 65534);
    ordinary("checkpoint", "1");
  }

  @Test
  void whereThereIsNoneOfThisBootAndTheseJarsOneIsMadeBesideAndItIsTriedOnce()
      throws IOException, InterruptedException {
    checkout().script(folder.resolve("jvm/good/bin/java"), """
        echo "home"
        printf '%s\\n' "$@"
        case "$*" in *" warm "*) echo made >> '""" + folder.resolve("makings") + """
        ' ;; esac
        """);
    for (String tool : List.of("setsid", "nice")) {
      checkout().script(folder.resolve("tools").resolve(tool), "exec \"$@\"\n");
    }
    Files.delete(image);
    Path earlier = start.resolve("11111111-2222-3333-4444-555555555555 Nobody 25+1");
    Files.writeString(earlier, "");

    ordinary("checkpoint", "1");
    for (long waitedMs = 0; waitedMs < MADE_WITHIN_MS && !Files.exists(image); waitedMs += 20) {
      TimeUnit.MILLISECONDS.sleep(20);
    }
    ordinary("checkpoint", "1");

    assertThat(folder.resolve("makings")).content().isEqualTo("made\n");
    assertThat(image).as("a marker: nothing came of it").isEmptyFile();
    assertThat(earlier).doesNotExist();
  }

  private void ordinary(String... words) throws IOException, InterruptedException {
    Checkout.Run run = checkout().run(words);
    assertThat(run.status()).as(run.err()).isZero();
    assertThat(run.out()).doesNotContain("image checkpoint", "image restore").contains("stasis.cli/stasis.cli.Main");
  }
}
