package stasis.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.linux.abi.Bytes;
import stasis.repository.ImageContent;
import stasis.repository.ImageException;
import stasis.repository.ImageFacts;
import stasis.repository.ImageWriter;
import stasis.repository.Repository;

final class RepositoryVerbsTest {
  private final FakeEngine engine = new FakeEngine();
  @TempDir private Path temp = Path.of("");
  private String repo = "";

  @BeforeEach
  void twoCheckpoints() throws ImageException {
    repo = temp.resolve("repo").toString();
    for (int i = 1; i <= 2; i++) {
      try (ImageWriter writer = Repository.destination(Path.of(repo), "redis").begin(_ -> { })) {
        writer.writeMetadata(new ImageContent(Bytes.zeros(i), 8192, List.of(),
            new ImageFacts(1_764_230_400_000_000_000L, "host", "redis-server", 4711, 1, 5)));
        writer.pages().write(ByteBuffer.allocate(8192).put(0, (byte) i));
        writer.commit(_ -> { });
      }
    }
  }

  private CommandLineRun run(String line) {
    return CommandLineRun.of(engine, (line + " --repo " + repo).split(" "));
  }

  @Test
  void logListsThemForPeopleAndMachines() {
    assertThat(run("log").out().lines().toList().get(2).split(" +")).contains("redis@2", "2025-11-27T08:00:00Z",
        "redis-server", "4711", "host");
    assertThat(run("log redis --json").out()).contains("\"checkpoint\": \"redis@1\"", "\"content_bytes\": 8193",
        "\"tags\": []", "\"root\": \"");
    assertThat(run("log nobody").status()).isEqualTo(4);
  }

  @Test
  void tagsAreGivenUsedAndTakenAway() {
    assertThat(run("tag redis@1 golden").out()).isEqualTo("redis@golden is redis@1\n");
    CommandLineRun refused = run("forget redis@1");
    assertThat(refused.status()).isEqualTo(3);
    assertThat(refused.err()).contains("redis@1 has the tag golden; take that away first");
    assertThat(run("tag --delete redis@golden").status()).isZero();
    assertThat(run("forget redis@1").out()).isEqualTo("redis@1 is forgotten\n");
  }

  @Test
  void forgetAndPruneMakeRoomAndVerifyIsContent() {
    assertThat(run("forget redis --keep-last 1 --dry-run").out()).isEqualTo("redis@1 would be forgotten\n");
    assertThat(run("forget redis --keep-last 1 --json").out()).contains("\"redis@1\"", "\"dry_run\": false");
    assertThat(run("prune --json").out()).contains("\"freed_bytes\": ", "\"packs_deleted\": 1");
    assertThat(run("verify --every-byte").out()).isEqualTo("1 checkpoint read, every byte as written\n");
    assertThat(run("stats --json").out()).contains("\"checkpoints\": 1", "\"content_bytes\": 8194");
  }

  @Test
  void copiesSayWhatTheyAreCalledThere() {
    assertThat(run("copy redis@2 --to " + temp.resolve("other")).out()).startsWith("redis@2 is redis@1 there, ");
  }

  @Test
  void usageErrorsAreOneSentenceAndStatusTwo() {
    for (String line : List.of("forget redis", "forget redis@1 --keep-last 1", "tag redis@1", "tag ../x y", "copy a@1",
        "forget a@1 --keep-last -1", "log a b", "tag --delete redis")) {
      CommandLineRun run = run(line);
      assertThat(run.status()).as(line).isEqualTo(2);
      assertThat(run.err().lines()).as(line).hasSize(1);
    }
    assertThat(CommandLineRun.of(engine, "log").status()).isEqualTo(2);
  }

  @Test
  void completionKnowsTheVerbsAndTheirOptions() {
    assertThat(CommandLineRun.of(engine, "completion").out()).contains("checkpoint", "--leave-running", "forget",
        "--keep-last", "complete -F");
  }

  @Test
  void everyVerbShowsAnExample() {
    for (String verb : List.of("checkpoint", "restore", "explain", "inspect", "log", "tag", "forget", "prune", "verify",
        "stats", "copy", "diff", "core", "gdb", "doctor", "demo", "completion")) {
      assertThat(CommandLineRun.of(engine, verb, "-h").out()).as(verb).contains("Example");
    }
  }
}
