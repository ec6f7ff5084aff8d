package stasis.live.rules;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import stasis.live.Repository;

/// What is committed names no machine and uses one word for one thing.
final class RepositoryTest {
  private static final Pattern TEXT =
      Pattern.compile(".*\\.(java|md|xml|sh|py|c|h|txt|program|schema)|bin/.*|\\.ci/.*|\\.mvn/.*");

  /// Homes, work folders and package servers. Central's own name would be a server, too; poms need none.
  private static final Pattern MACHINE = Pattern.compile(
      "/(home|Users)/[a-z]|/root/|/work/|/tmp/[a-z]+\\.[A-Za-z0-9]{6,}|"
          + "https?://[^ )>\"]*(nexus|artifactory|mirror|proxy)|"
          + "<repository>|<pluginRepository>|<mirror>");

  /// Words docs/vocabulary.md has another one for. The kernel's and other projects' own names keep theirs.
  private static final Pattern FORBIDDEN = Pattern.compile(
      "\\b(dump|dumps|dumped|dumping|undump|dumper|restart image|restarter|memory region)\\b",
      Pattern.CASE_INSENSITIVE);
  private static final Pattern ALLOWED = Pattern.compile(
      "\\bcores?\\b|core.?dump|json\\.dump|DONTDUMP|DODUMP|SUID_DUMP|PTRACE_|[Tt]hread dump|"
          + "hexdump|objdump|not \\||\\| not|statefile, image",
      Pattern.CASE_INSENSITIVE);

  private static final Pattern NAMED_TEST = Pattern.compile("`([A-Z]\\w*Test)(\\.\\w+)?`");

  @Test
  void noMachineIsNamed() throws IOException, InterruptedException {
    assertThat(linesThat(MACHINE, Pattern.compile("(?!)"), List.of(".*/procfs/src/test/resources/.*",
        ".*RepositoryTest\\.java"))).isEmpty();
  }

  @Test
  void oneWordIsUsedForOneThing() throws IOException, InterruptedException {
    assertThat(linesThat(FORBIDDEN, ALLOWED, List.of(".*/docs/vocabulary\\.md", ".*RepositoryTest\\.java",
        ".*/src/test/resources/.*", ".*/STYLE\\.md"))).isEmpty();
  }

  @Test
  void scriptsCanBeRun() throws IOException, InterruptedException {
    for (Path file : committed()) {
      if (file.toString().matches(".*/(bin/[^/]+|\\.ci/run)")) {
        assertThat(Files.isExecutable(file)).as(file.toString()).isTrue();
      }
    }
  }

  @Test
  void pagesMadeFromTheSourcesAreWhatTheySay() throws IOException, InterruptedException {
    Process coverage = new ProcessBuilder(Repository.root().resolve("bin/coverage").toString(), "--check")
        .redirectErrorStream(true).start();
    try (InputStream said = coverage.getInputStream()) {
      assertThat(new String(said.readAllBytes(), StandardCharsets.UTF_8)).isEmpty();
    }
    assertThat(coverage.waitFor()).isZero();
  }

  /// docs/security.md names a test for each claim.
  @Test
  void testsThatPagesNameAreThere() throws IOException, InterruptedException {
    List<Path> sources = committed().stream().filter(file -> file.toString().endsWith("Test.java")).toList();
    String page = Files.readString(Repository.root().resolve("docs/security.md"));
    List<String> missing = NAMED_TEST.matcher(page).results().filter(named -> sources.stream()
        .noneMatch(source -> source.endsWith(named.group(1) + ".java")
            && (named.group(2) == null || contains(source, "void " + named.group(2).substring(1) + "("))))
        .map(java.util.regex.MatchResult::group).toList();
    assertThat(NAMED_TEST.matcher(page).results().count()).isGreaterThan(20);
    assertThat(missing).isEmpty();
  }

  private static boolean contains(Path file, String text) {
    try {
      return Files.readString(file).contains(text);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static List<String> linesThat(Pattern bad, Pattern good, List<String> exemptFiles)
      throws IOException, InterruptedException {
    List<String> found = new ArrayList<>();
    for (Path file : committed()) {
      String name = Repository.root().relativize(file).toString();
      if (!TEXT.matcher(name).matches() || exemptFiles.stream().anyMatch(file.toString()::matches)) {
        continue;
      }
      int number = 0;
      for (String line : new String(Files.readAllBytes(file), StandardCharsets.UTF_8).lines().toList()) {
        number++;
        if (bad.matcher(line).find() && !good.matcher(line).find()) {
          found.add(name + ":" + number + ": " + line.strip());
        }
      }
    }
    return found;
  }

  private static List<Path> committed() throws IOException, InterruptedException {
    Path root = Repository.root();
    assumeTrue(Files.exists(root.resolve(".git")), "needs a git checkout");
    Process git = new ProcessBuilder("git", "-c", "safe.directory=*", "ls-files", "-z").directory(root.toFile())
        .redirectError(ProcessBuilder.Redirect.DISCARD).start();
    List<Path> files = new ArrayList<>();
    try (InputStream names = git.getInputStream()) {
      for (String name : new String(names.readAllBytes(), StandardCharsets.UTF_8).split("\0")) {
        if (Files.isRegularFile(root.resolve(name))) {
          files.add(root.resolve(name));
        }
      }
    }
    assumeTrue(git.waitFor() == 0, "needs git");
    return files;
  }
}
