package stasis.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.linux.abi.SyscallException;
import stasis.procfs.ProcException;
import stasis.repository.ImageException;
import stasis.repository.ImageWriter;
import stasis.tracee.FrozenTree;
import stasis.tracee.Ptrace;

/// What a checkpoint need not read in its freeze: what was not written since an earlier one, or since it was copied
/// ahead.
record Sparing(CheckpointRequest request, WriteTracking tracking, PreCopy preCopy) implements AutoCloseable {
  /// Before the freeze.
  static Sparing begin(Ptrace ptrace, CheckpointRequest request, Environment environment, ImageWriter writer,
      Optional<Timetable> timetable) throws SyscallException, ProcException {
    return new Sparing(request, WriteTracking.begin(environment.proc(), request.root(), request.track(), writer),
        new PreCopy(ptrace, environment.proc(), environment.monotonicNs(), writer, timetable));
  }

  /// In the freeze.
  void pass(FrozenTree tree, Collected.Complete collected, Phases phases) throws SyscallException {
    if (request.track() != TrackOrder.OFF) {
      phases.enter("track");
      tracking.pass(tree, collected, request.leaveRunning(), phases);
    }
    if (request.preCopyRounds() > 0) {
      phases.enter("track");
      preCopy.pass(collected);
    }
  }

  void spare(PageStore pages) throws ImageException {
    tracking.spare(pages);
    preCopy.spare(pages);
  }

  /// What the user should know.
  List<String> told() {
    var told = new ArrayList<>(tracking.told());
    told.addAll(preCopy.told());
    return told;
  }

  Optional<TrackReport> tracked(PageStore pages) {
    return tracking.report(pages);
  }

  Optional<PreCopyReport> preCopied(PageStore pages) {
    return request.preCopyRounds() > 0 ? Optional.of(preCopy.report(pages)) : Optional.empty();
  }

  @Override
  public void close() {
    try (tracking) {
      preCopy.close();
    }
  }
}
