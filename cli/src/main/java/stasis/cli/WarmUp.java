package stasis.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.engine.EmbedOrder;
import stasis.engine.FilePolicy;
import stasis.engine.LateFill;
import stasis.engine.Place;
import stasis.engine.Practice;
import stasis.engine.Redaction;
import stasis.engine.RestoreRequest;
import stasis.engine.TrackOrder;
import stasis.engine.TrackReport;
import stasis.kinds.AddressMap;
import stasis.kinds.Outside;
import stasis.linux.abi.Tid;
import stasis.linux.peer.HeldProcess;
import stasis.linux.peer.Readiness;
import stasis.repository.CheckpointName;

/// What a resident engine does first, beside the first requests: a sleeper of its own, there and back, until its code
/// is compiled; then a program with memory that is tracked, and comes late.
final class WarmUp {
  private static final int SIGKILL = 9;
  private static final long HOLDER_ENDS_MS = 10_000;
  /// After these it hardly gets faster.
  static final int ROUNDS = 72;
  /// The first are rehearsed each; later ones, as requests are then, are not.
  private static final int REHEARSED = 12;
  /// One of so many, after them, with memory.
  private static final int LARGE_SHARE = 3;

  private final Session session;
  private final Path folder;
  private final Path image;

  private WarmUp(Session session, Path folder) {
    this.session = session;
    this.folder = folder;
    this.image = folder.resolve("image");
  }

  static void begin(Session session, Practice practice, int rounds) {
    Thread.ofPlatform().name("stasis-warm-up").daemon().start(() -> run(session, practice, rounds, true));
  }

  /// The same, to its end. @param large whether there is a program with memory besides
  static void run(Session session, Practice practice, int rounds, boolean large) {
    PrintStream nowhere = new PrintStream(OutputStream.nullOutputStream());
    Session mute = new Session(new Console(nowhere, nowhere, false, false),
        new LibraryEngine(Build.version(), practice, Optional.empty()), session.cancellation(), _ -> {});
    try {
      Path folder = Files.createTempDirectory("stasis-warm-up");
      try {
        var warmUp = new WarmUp(mute, folder);
        for (int round = 0; round < rounds && !session.cancellation().requested(); round++) {
          if (round == REHEARSED) {
            practice.warm();
          }
          warmUp.small(round % LARGE_SHARE == 0);
        }
        for (int round = 0; large && round < rounds / LARGE_SHARE && !session.cancellation().requested(); round++) {
          warmUp.large();
        }
      } finally {
        Folders.delete(folder);
      }
    } catch (IOException | InterruptedException e) {
      // Requests warm it as well.
    } finally {
      practice.warm();
    }
  }

  /// That it may be refused here is no failure.
  ///
  /// @param kept whether also into a repository
  private void small(boolean kept) throws IOException, InterruptedException {
    try (DemoTarget sleeper = DemoTarget.start(List.of("sleep", "600"), folder, folder.resolve("output"))) {
      String pid = Integer.toString(sleeper.pid().value());
      Line.run(session, "checkpoint", pid, "--image", image + ".left", "--leave-running", "--force");
      if (kept) {
        kept(sleeper.pid(), TrackOrder.OFF, 0);
      }
      thereAndBack(pid, Optional.empty());
    }
  }

  /// Where there is no Perl the round comes to nothing.
  private void large() throws IOException, InterruptedException {
    try (DemoTarget sleeper = DemoTarget.start(List.of("perl", "-e", "$x = 'x' x 4e6; sleep 600"), folder,
        folder.resolve("output"))) {
      List<Tid> holders = new ArrayList<>();
      // The second one refers to the first.
      for (int time = 0; time < 2; time++) {
        kept(sleeper.pid(), TrackOrder.ON, 0).ifPresent(holders::add);
      }
      kept(sleeper.pid(), TrackOrder.OFF, 1);
      thereAndBack(Integer.toString(sleeper.pid().value()), Optional.of(new RestoreRequest.Lazily(Optional.empty())));
      holders.forEach(WarmUp::awaitEnd);
    }
  }

  private Optional<Tid> kept(Tid pid, TrackOrder track, int rounds) {
    var order = new Engine.CheckpointOrder(pid,
        new ImageAt.Kept(folder.resolve("repository"), CheckpointName.parse("large").orElseThrow()), true, false, false,
        Optional.empty(), Outside.REFUSED, Redaction.NONE, track, rounds, EmbedOrder.NONE, Optional.empty(), false);
    return session.engine().checkpoint(order, new Verbosity().progress(session))
        instanceof Engine.Outcome.Done<Engine.Checkpointed>(Engine.Checkpointed done)
        ? done.tracked().flatMap(TrackReport::holder) : Optional.empty();
  }

  private static void awaitEnd(Tid child) {
    HeldProcess.of(child).ifPresent(process -> {
      try (process) {
        Readiness.await(List.of(process.descriptor()), HOLDER_ENDS_MS);
        process.reap();
      }
    });
  }

  private void thereAndBack(String pid, Optional<RestoreRequest.Lazily> lazily) throws InterruptedException {
    int status = Line.run(session, "checkpoint", pid, "--image", image.toString(), "--force");
    Engine.RestoreOrder order = new Engine.RestoreOrder(new ImageAt.Folder(image), false, false, AddressMap.NONE,
        lazily, Place.ANY, FilePolicy.REFUSE);
    if (status == ExitStatus.DONE.code() && session.engine().restore(order, new Verbosity().progress(session))
        instanceof Engine.Outcome.Done<Engine.Restored>(Engine.Restored restored)) {
      restored.program().signal(SIGKILL);
      restored.program().await();
      restored.late().ifPresent(LateFill::await);
    }
  }
}
