package stasis.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import stasis.engine.Practice;
import stasis.kinds.AddressMap;

/// What a resident engine does first, beside the first requests: a sleeper of its own, there and back, until its code
/// is compiled.
final class WarmUp {
  private static final int SIGKILL = 9;
  /// After these it hardly gets faster.
  static final int ROUNDS = 72;
  /// The first are rehearsed each; later ones, as requests are then, are not.
  private static final int REHEARSED = 12;

  private WarmUp() {}

  static void begin(Session session, Practice practice, int rounds) {
    PrintStream nowhere = new PrintStream(OutputStream.nullOutputStream());
    Session mute = new Session(new Console(nowhere, nowhere, false, false),
        new LibraryEngine(Build.version(), practice, Optional.empty()), session.cancellation(), _ -> {});
    Thread.ofPlatform().name("stasis-warm-up").daemon().start(() -> {
      try {
        Path folder = Files.createTempDirectory("stasis-warm-up");
        try {
          for (int round = 0; round < rounds && !session.cancellation().requested(); round++) {
            if (round == REHEARSED) {
              practice.warm();
            }
            round(mute, folder);
          }
        } finally {
          Folders.delete(folder);
        }
      } catch (IOException | InterruptedException e) {
        // Requests warm it as well.
      } finally {
        practice.warm();
      }
    });
  }

  /// That it may be refused here is no failure.
  private static void round(Session session, Path folder) throws IOException, InterruptedException {
    Path image = folder.resolve("image");
    try (DemoTarget sleeper = DemoTarget.start(List.of("sleep", "600"), folder, folder.resolve("output"))) {
      String pid = Integer.toString(sleeper.pid().value());
      Line.run(session, "checkpoint", pid, "--image", image + ".left", "--leave-running", "--force");
      int status = Line.run(session, "checkpoint", pid, "--image", image.toString(), "--force");
      Engine.RestoreOrder order = new Engine.RestoreOrder(new ImageAt.Folder(image), false, false, AddressMap.NONE);
      if (status == ExitStatus.DONE.code() && session.engine().restore(order, new Verbosity().progress(session))
          instanceof Engine.Outcome.Done<Engine.Restored>(Engine.Restored restored)) {
        restored.program().signal(SIGKILL);
        restored.program().await();
      }
    }
  }
}
