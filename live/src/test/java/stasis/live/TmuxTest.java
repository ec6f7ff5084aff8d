package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.engine.CheckpointOutcome;
import stasis.testkit.Launcher.Program;
import stasis.testkit.Victim;

/// A tmux server, a shell in its pane and vim with an unsaved buffer come back: the screen is the same, clients find
/// the server where it was, and vim saves.
class TmuxTest {
  private static final Path TMUX = Path.of("/usr/bin/tmux");
  private static final Path VIM = Path.of("/usr/bin/vim");
  private static final int TRIES = 5;

  private record Server(Path folder) {
    Path socket() {
      return folder.resolve("socket");
    }

    /// What the client printed.
    String client(String... arguments) {
      var command = new ArrayList<>(List.of(TMUX.toString(), "-S", socket().toString()));
      command.addAll(List.of(arguments));
      try {
        Path output = folder.resolve("client.txt");
        Process client = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile()).start();
        if (!client.waitFor(10, TimeUnit.SECONDS)) {
          client.destroyForcibly();
          throw new AssertionError(command + " does not end");
        }
        return Files.readString(output, StandardCharsets.UTF_8);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException("interrupted while a client ran", e);
      }
    }

    String screen() {
      return client("capture-pane", "-p");
    }
  }

  @Test
  void vimInAPaneComesBackWithItsUnsavedBuffer(@TempDir Path folder) throws IOException {
    assumeTrue(Files.isExecutable(TMUX) && Files.isExecutable(VIM), "needs tmux and vim");
    var server = new Server(folder);
    try (var cycle = new Cycle(new Victims(), folder)) {
      Victim victim = cycle.start(Program.of(TMUX, "-D", "-S", server.socket().toString(), "-f", "/dev/null"));
      Ground.waitFor(() -> Files.exists(server.socket()));
      server.client("new-session", "-d", "-x", "80", "-y", "24", "/bin/sh");
      server.client("send-keys", "vim -u NONE -n", "Enter");
      Ground.waitFor(() -> server.screen().contains("~"));
      server.client("send-keys", "ihello unsaved");
      Ground.waitFor(() -> server.screen().contains("hello unsaved"));
      String before = server.screen();

      Path image = stored(cycle, victim);
      cycle.bury(victim);
      cycle.running(image);

      assertThat(server.screen()).isEqualTo(before);
      Path saved = folder.resolve("saved.txt");
      server.client("send-keys", " and more", "Escape", ":w " + saved, "Enter", ":q", "Enter");
      Ground.waitFor(() -> Files.exists(saved) && !server.screen().contains("~"));
      assertThat(saved).hasContent("hello unsaved and more");
      server.client("send-keys", "echo back $((6 * 7))", "Enter");
      Ground.waitFor(() -> server.screen().contains("back 42"));
    }
  }

  /// What a pane prints at this moment may stand in its terminal, which refuses: then once more.
  private static Path stored(Cycle cycle, Victim victim) {
    for (int left = TRIES; ; left--) {
      Path image = cycle.newImage();
      CheckpointOutcome outcome = cycle.checkpoint(victim, image, false, _ -> { });
      if (outcome instanceof CheckpointOutcome.Stored) {
        return image;
      }
      assertThat(left).as(Cycle.text(outcome)).isPositive();
    }
  }
}
