package stasis.tracee;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;

/// All that is ever done to a live group, once: freeze, three batches with two undos, a snapshot, and letting go.
///
/// @param custody of the snapshot, if there is one @param relieved whether the group is a child subreaper, relieved for it
record Scenario(Tid leader, Tid victim, Optional<Snapshot.Custody> custody, boolean relieved) {
  /// @return whether it ran to its end; false where it was refused or the freeze obstructed
  boolean run(Ptrace ptrace, FaultPoints faults) throws SyscallException {
    Deadline deadline = Deadline.after(Duration.ofSeconds(5));
    switch (FrozenGroup.freeze(ptrace, leader, deadline, faults)) {
      case FrozenGroup.Outcome.Obstructed _ -> {
        return false;
      }
      case FrozenGroup.Outcome.Frozen(FrozenGroup group) -> {
        try (group) {
          LiveTask task = group.tasks().stream().filter(one -> one.tid().equals(victim)).findFirst().orElseThrow();
          errand(group, task, deadline);
          if (relieved) {
            try (Relief relief = Relief.of(group, deadline)) {
              faults.hit("scenario.relieved");
              if (relief.take() instanceof Snapshot.Outcome.Taken taken) {
                taken.snapshot().close();
              }
            }
          } else if (custody.isPresent()
              && Snapshot.take(group, task, custody.get(), deadline) instanceof Snapshot.Outcome.Taken taken) {
            faults.hit("scenario.snapshot-taken");
            taken.snapshot().close();
          }
        } catch (ErrandRefusedException e) {
          return false;
        }
        return true;
      }
    }
  }

  private static void errand(FrozenGroup group, LiveTask task, Deadline deadline)
      throws ErrandRefusedException, SyscallException {
    try (Errand errand = group.errand(task, deadline)) {
      var calls = new ArrayList<RemoteCall>();
      for (int signal = 1; signal <= 6; signal++) {
        calls.add(RemoteCall.of(Nr.RT_SIGACTION, new RemoteArg.Imm(signal), new RemoteArg.Imm(0),
            new RemoteArg.Out(32), new RemoteArg.Imm(8)));
      }
      errand.run(calls);
      errand.run(List.of(RemoteCall.opening(Nr.MEMFD_CREATE, new RemoteArg.In(Bytes.cString("errand")),
          new RemoteArg.Imm(1))));
      errand.run(List.of(RemoteCall.opening(Nr.EVENTFD2, new RemoteArg.Imm(0), new RemoteArg.Imm(0x80000)),
          RemoteCall.of(Nr.PRCTL, new RemoteArg.Imm(40), new RemoteArg.Out(8))));
    }
  }
}
