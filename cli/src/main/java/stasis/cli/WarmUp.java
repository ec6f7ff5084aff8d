package stasis.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import stasis.engine.FilePolicy;
import stasis.engine.LateFill;
import stasis.engine.Practice;
import stasis.engine.RestoreRequest;
import stasis.kinds.AddressMap;

/// What a resident engine does first, beside the first requests: a sleeper of its own, there and back, until its code
/// is compiled; then a program with memory that comes late.
final class WarmUp {
  private static final int SIGKILL = 9;
  /// After these it hardly gets faster.
  static final int ROUNDS = 72;
  /// The first are rehearsed each; later ones, as requests are then, are not.
  private static final int REHEARSED = 12;
  /// One of so many, after them, for lazy restores.
  private static final int LATE_SHARE = 3;

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
            round(mute, folder, List.of("sleep", "600"), Optional.empty());
          }
          for (int round = 0; round < rounds / LATE_SHARE && !session.cancellation().requested(); round++) {
            // Where there is no Perl the round comes to nothing.
            round(mute, folder, List.of("perl", "-e", "$x = 'x' x 4e6; sleep 600"),
                Optional.of(new RestoreRequest.Lazily(Optional.empty())));
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
  private static void round(Session session, Path folder, List<String> program,
      Optional<RestoreRequest.Lazily> lazily) throws IOException, InterruptedException {
    Path image = folder.resolve("image");
    try (DemoTarget sleeper = DemoTarget.start(program, folder, folder.resolve("output"))) {
      String pid = Integer.toString(sleeper.pid().value());
      Line.run(session, "checkpoint", pid, "--image", image + ".left", "--leave-running", "--force");
      int status = Line.run(session, "checkpoint", pid, "--image", image.toString(), "--force");
      Engine.RestoreOrder order = new Engine.RestoreOrder(new ImageAt.Folder(image), false, false, AddressMap.NONE,
          lazily, false, FilePolicy.REFUSE);
      if (status == ExitStatus.DONE.code() && session.engine().restore(order, new Verbosity().progress(session))
          instanceof Engine.Outcome.Done<Engine.Restored>(Engine.Restored restored)) {
        restored.program().signal(SIGKILL);
        restored.program().await();
        restored.late().ifPresent(LateFill::await);
      }
    }
  }
}
