package stasis.cli;

import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import stasis.engine.DeadlineOrder;
import stasis.engine.DeadlineReport;
import stasis.engine.EmbedOrder;
import stasis.engine.EmbedReport;
import stasis.engine.FilePolicy;
import stasis.engine.HostReport;
import stasis.engine.LateFill;
import stasis.engine.Place;
import stasis.engine.PreCopyReport;
import stasis.engine.Redaction;
import stasis.engine.RestoreRequest;
import stasis.engine.Span;
import stasis.engine.TrackOrder;
import stasis.engine.TrackReport;
import stasis.image.LossRow;
import stasis.kinds.AddressMap;
import stasis.kinds.Outside;
import stasis.linux.abi.Tid;

/// What the verbs need of the library, in the words of the command line. The one place where the two meet is the
/// implementation of this.
interface Engine {
  Outcome<Checkpointed> checkpoint(CheckpointOrder order, Watcher watcher);

  Outcome<Restored> restore(RestoreOrder order, Watcher watcher);

  /// The program a restore would run, a step a line.
  Outcome<String> plan(ImageAt image, AddressMap addresses, Place place, FilePolicy files, Watcher watcher);

  /// Whether an image can be restored.
  ///
  /// @param host a report of another host; this one, without
  Outcome<Judged> canRestore(ImageAt image, Optional<HostReport> host, Place place, FilePolicy files,
      Watcher watcher);

  /// This host to those who plan a restore on it.
  ///
  /// @param questions of an image, beside what any image asks
  Outcome<HostReport> hostReport(List<String> questions);

  /// Every resource of a live tree; stops it no longer than a look.
  ///
  /// @param embed tells which files would be taken along
  Outcome<List<LossRow>> explain(Tid root, EmbedOrder embed, Watcher watcher);

  /// Ends the tracking of a live tree. @return whether it was tracked
  Outcome<Boolean> untrack(Tid root);

  /// @param maxFreezeNs past it the checkpoint fails and the tree runs on
  /// @param outside what becomes of what leads out of the tree
  /// @param redaction what is not to be in the image @param track see [TrackOrder]
  /// @param preCopyRounds 0: none @param embed whether files of the host go along
  /// @param deadline by when the image has to be there @param proved whether it is restored beside the program before
  ///     it counts
  record CheckpointOrder(Tid root, ImageAt image, boolean leaveRunning, boolean strict, boolean force,
      Optional<Long> maxFreezeNs, Outside outside, Redaction redaction, TrackOrder track, int preCopyRounds,
      EmbedOrder embed, Optional<DeadlineOrder> deadline, boolean proved) {
    CheckpointOrder(Tid root, ImageAt image, boolean leaveRunning, boolean strict, boolean force,
        Optional<Long> maxFreezeNs, Outside outside) {
      this(root, image, leaveRunning, strict, force, maxFreezeNs, outside, Redaction.NONE, TrackOrder.OFF, 0,
          EmbedOrder.NONE, Optional.empty(), false);
    }
  }

  /// @param detached whether the program outlives us: then nobody waits for it
  /// @param tcpEstablished whether peers outside the tree are expected to be there still
  /// @param addresses of sockets that are others from now on @param lazily whether it may run before it has its pages
  /// @param place among which pids @param files what may be done to files of the host
  record RestoreOrder(ImageAt image, boolean detached, boolean tcpEstablished, AddressMap addresses,
      Optional<RestoreRequest.Lazily> lazily, Place place, FilePolicy files) {
    RestoreOrder(ImageAt image, boolean detached, boolean tcpEstablished, AddressMap addresses) {
      this(image, detached, tcpEstablished, addresses, Optional.empty(), Place.ANY, FilePolicy.REFUSE);
    }
  }

  /// Figures both operations have.
  ///
  /// @param phasesNs in the order they ran @param warnings what the user should know besides: a zombie nobody reaps
  /// @param spans of all phases and their parts
  record Figures(long totalNs, long imageBytes, long pageBytes, int tasks, int threads,
      SequencedMap<String, Long> phasesNs, List<LossRow> losses, List<String> warnings, List<Span> spans) {
    Figures(long totalNs, long imageBytes, long pageBytes, int tasks, int threads,
        SequencedMap<String, Long> phasesNs, List<LossRow> losses, List<String> warnings) {
      this(totalNs, imageBytes, pageBytes, tasks, threads, phasesNs, losses, warnings, List.of());
    }
  }

  /// @param image what it is called: its folder, or `NAME@K`
  /// @param tracked @param preCopied @param embedded @param deadline present where that was asked for
  record Checkpointed(String image, long frozenNs, Figures figures, Optional<TrackReport> tracked,
      Optional<PreCopyReport> preCopied, Optional<EmbedReport> embedded,
      Optional<DeadlineReport> deadline) {
    Checkpointed(String image, long frozenNs, Figures figures) {
      this(image, frozenNs, figures, Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());
    }
  }

  /// @param obstacles none: it can be restored
  /// @param questions what an image asks of a host @param unanswered those of them that a report says nothing of
  /// @param told what a restore would have to do
  record Judged(List<LossRow> obstacles, List<String> questions, List<String> unanswered, List<String> told) {}

  /// @param late what still puts pages into the program
  record Restored(long restoreNs, Figures figures, Running program, Optional<LateFill> late) {
    Restored(long restoreNs, Figures figures, Running program) {
      this(restoreNs, figures, program, Optional.empty());
    }
  }

  /// A restored program that is ours to wait for.
  interface Running {
    /// As we see it.
    Tid pid();

    /// As the program sees itself: another where it has a pid namespace of its own.
    default Tid pidInside() {
      return pid();
    }

    /// kill(2) of the thread group.
    void signal(int number);

    /// Waits for its end; as a shell puts it: the exit code, or 128 and the signal.
    int await() throws InterruptedException;
  }

  /// How it went.
  sealed interface Outcome<T> {
    record Done<T>(T result) implements Outcome<T> {}

    /// @param losses the rows that forbid it, all of them
    record Refused<T>(List<LossRow> losses) implements Outcome<T> {}

    /// @param problem one sentence; the target is as it was
    record Failed<T>(String problem) implements Outcome<T> {}

    record Cancelled<T>() implements Outcome<T> {}
  }

  /// Told while it happens. Must return at once.
  interface Watcher {
    /// A phase begins; names as in the report.
    void phase(String name);

    void bytes(long done, long total);

    /// A step of the engine, or strace-like: task, call, result, microseconds.
    void remoteCall(String text);

    /// Whether calls need be put into words at all.
    boolean wantsCalls();

    /// Asked between steps; true makes that step fail.
    boolean cancelled();
  }
}
