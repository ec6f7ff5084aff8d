package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.engine.CheckpointOutcome;
import stasis.testkit.Launcher.Program;
import stasis.testkit.Victim;

/// A GNU screen server with a shell in one window and emacs with an unsaved buffer in another comes back: the screens
/// are the same, clients find the server, and emacs saves.
class ScreenTest {
  private static final Path SCREEN = Path.of("/usr/bin/screen");
  private static final Path EMACS = Path.of("/usr/bin/emacs");
  private static final int TRIES = 10;

  private record Server(Path folder) {
    void client(String... arguments) {
      var command = new ArrayList<>(List.of(SCREEN.toString(), "-S", "carried"));
      command.addAll(List.of(arguments));
      var client = new ProcessBuilder(command).redirectErrorStream(true)
          .redirectOutput(folder.resolve("client.txt").toFile());
      client.environment().put("SCREENDIR", sockets().toString());
      try {
        Process running = client.start();
        if (!running.waitFor(10, TimeUnit.SECONDS)) {
          running.destroyForcibly();
          throw new AssertionError(command + " does not end");
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException("interrupted while a client ran", e);
      }
    }

    Path sockets() {
      return folder.resolve("sockets");
    }

    void type(int window, String text) {
      client("-p", String.valueOf(window), "-X", "stuff", text);
    }

    /// What a window shows.
    String screen(int window) {
      Path copy = folder.resolve("screen-" + window);
      try {
        Files.deleteIfExists(copy);
        client("-p", String.valueOf(window), "-X", "hardcopy", copy.toString());
        Ground.waitFor(() -> Files.exists(copy));
        return Files.readString(copy, StandardCharsets.ISO_8859_1);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  @Test
  void aShellAndEmacsComeBackInTheirWindows(@TempDir Path folder) throws IOException {
    assumeTrue(Files.isExecutable(SCREEN) && Files.isExecutable(EMACS), "needs screen and emacs");
    var server = new Server(folder);
    Files.createDirectory(server.sockets(), PosixFilePermissions.asFileAttribute(
        PosixFilePermissions.fromString("rwx------")));
    try (var cycle = new Cycle(new Victims(), folder)) {
      Victim victim = cycle.start(Program.of(Path.of("/usr/bin/env"), "SCREENDIR=" + server.sockets(), "TERM=vt100",
          "HOME=" + folder, SCREEN.toString(), "-D", "-m", "-c", "/dev/null", "-S", "carried", "/bin/sh"));
      Ground.waitFor(() -> listens(server));
      server.type(0, "echo shell $((6 * 7))\n");
      Ground.waitFor(() -> server.screen(0).contains("shell 42"));
      server.client("-X", "screen", EMACS.toString(), "-nw", "-Q", folder.resolve("saved.txt").toString());
      Ground.waitFor(() -> server.screen(1).contains("saved.txt"));
      server.type(1, "hello unsaved");
      Ground.waitFor(() -> server.screen(1).contains("hello unsaved"));
      List<String> before = List.of(server.screen(0), server.screen(1));

      Path image = stored(cycle, victim);
      cycle.bury(victim);
      cycle.running(image);

      assertThat(List.of(server.screen(0), server.screen(1))).isEqualTo(before);
      server.type(1, " and more^X^S");
      Ground.waitFor(() -> Files.exists(folder.resolve("saved.txt")));
      Ground.waitFor(() -> server.screen(1).contains("Wrote"));
      assertThat(folder.resolve("saved.txt")).content().contains("hello unsaved and more");
      server.type(0, "echo back $((6 * 9))\n");
      Ground.waitFor(() -> server.screen(0).contains("back 54"));
    }
  }

  private static boolean listens(Server server) {
    try (var entries = Files.list(server.sockets())) {
      return entries.findAny().isPresent();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// What a window prints at this moment may stand in its terminal, which refuses: then once more.
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
