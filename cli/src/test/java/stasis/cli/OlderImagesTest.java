package stasis.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What each version wrote is read by every later one. A fixture is never written anew; a new version adds its own.
final class OlderImagesTest {
  private static final Path FIXTURES = Path.of("src/test/resources/stasis/cli");

  private final FakeEngine engine = new FakeEngine();

  private String run(String... words) {
    CommandLineRun run = CommandLineRun.of(engine, words);
    assertThat(run.err()).isEmpty();
    assertThat(run.status()).isZero();
    return run.out();
  }

  @Test
  void everyRepositoryIsRead(@TempDir Path temp) throws IOException {
    try (Stream<Path> fixtures = Files.list(FIXTURES)) {
      for (Path fixture : fixtures.filter(path -> path.getFileName().toString().startsWith("kept-")).toList()) {
        String repo = copy(fixture, temp).toString();
        assertThat(run("inspect", "it@1", "ps", "--repo", repo)).as(repo).contains("4711", "server -v");
        assertThat(run("inspect", "it@1", "grep", "needle", "--repo", repo)).contains("0x401021");
        assertThat(run("verify", "--every-byte", "--repo", repo)).startsWith("2 checkpoints read");
        assertThat(run("diff", "it@1", "it@2", "--repo", repo)).contains("1 differ");
      }
    }
  }

  @Test
  void everyStatefileIsRead() throws IOException {
    try (Stream<Path> fixtures = Files.list(FIXTURES)) {
      for (Path fixture : fixtures.filter(path -> path.getFileName().toString().startsWith("statefile-")).toList()) {
        assertThat(run("inspect", fixture.toString(), "show")).contains("core.task v1", "processGroup: 4711");
        assertThat(run("inspect", fixture.toString(), "cat", "0x401000", "6", "--raw")).isEqualTo("server");
      }
    }
  }

  @Test
  void encryptedAndSignedOnesAreRead(@TempDir Path temp) throws IOException {
    String key = FIXTURES.resolve("closed-keys/key").toString();
    String repo = copy(FIXTURES.resolve("closed-kept-1"), temp).toString();
    assertThat(run("inspect", FIXTURES.resolve("closed-statefile-1").toString(), "show", "--key-file", key))
        .contains("core.task v1");
    assertThat(run("inspect", FIXTURES.resolve("signed-statefile-1").toString(), "show")).contains("core.task v1");
    assertThat(run("inspect", "it@1", "ps", "--repo", repo, "--key-file", key)).contains("4711");
    assertThat(run("verify", "--every-byte", "--repo", repo, "--key-file", key)).startsWith("1 checkpoint read");
    assertThat(run("log", "--json", "--repo", repo, "--key-file", key)).contains("\"signer\": \"ed25519:");
  }

  /// A checkout may be for reading only, and has no empty folders.
  private static Path copy(Path from, Path temp) throws IOException {
    Path to = temp.resolve(from.getFileName());
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Files.copy(file, to.resolve(from.relativize(file)));
      }
    }
    return to;
  }
}
