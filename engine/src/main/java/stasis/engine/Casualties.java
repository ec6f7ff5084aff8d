package stasis.engine;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import stasis.image.DecodeException;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.procfs.Proc;
import stasis.procfs.ProcException;
import stasis.procfs.ProcTask;
import stasis.procfs.Stat;
import stasis.repository.ImageException;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.tracee.Deadline;
import stasis.tracee.FrozenTree;
import stasis.tracee.LiveTask;
import stasis.tracee.Ptrace;

/// Processes of a held tree that somebody has ended: a task that stands still for us ends by SIGKILL only. Whatever
/// then fails, in whichever words, this is why.
final class Casualties {
  /// From SIGKILL to where it shows.
  private static final Duration SHOWS = Duration.ofMillis(200);
  /// Flag of a task on its way out (include/linux/sched.h, PF_EXITING).
  private static final long EXITING = 4;
  private static final int EXIT_CODE = 52;
  private static final int SIGKILL = 9;

  /// A part of a checkpoint.
  interface Part {
    CheckpointOutcome run() throws ObstructedException, SyscallException, ImageException, ProcException,
        DecodeException;
  }

  private Casualties() {}

  /// The part, whose failure is told as theirs where there are any.
  static CheckpointOutcome named(Proc proc, Ptrace ptrace, Hold hold, Part part) throws ObstructedException,
      SyscallException, ImageException, ProcException, DecodeException {
    try {
      CheckpointOutcome outcome = part.run();
      if (!(outcome instanceof CheckpointOutcome.Stored)) {
        refuse(proc, ptrace, hold);
      }
      return outcome;
    } catch (ObstructedException | SyscallException | ImageException | ProcException | DecodeException e) {
      refuse(proc, ptrace, hold);
      throw e;
    }
  }

  private static void refuse(Proc proc, Ptrace ptrace, Hold hold) throws ObstructedException {
    if (hold.isHeld()) {
      for (FrozenTree.Member member : hold.tree().members()) {
        Optional<Obstacle> ended = ended(proc, ptrace, member.group().tasks(), member.group().leader());
        if (ended.isPresent()) {
          throw new ObstructedException(ended.get());
        }
      }
    }
  }

  private static Optional<Obstacle> ended(Proc proc, Ptrace ptrace, List<LiveTask> tasks, Tid leader) {
    Deadline deadline = Deadline.after(SHOWS);
    boolean dead = false;
    // One that does not stand still is on its way, or was sent on it by us and will come back.
    while (!dead && tasks.stream().noneMatch(task -> ptrace.stands(task.tid())) && !deadline.passed()) {
      dead = tasks.stream().allMatch(task -> isDead(proc, leader, task.tid()));
    }
    return dead ? Optional.of(new Obstacle.Unsupported("task " + leader, "it was ended meanwhile" + how(proc, leader),
        "")) : Optional.empty();
  }

  /// Whether a first thread has ended, or is about to.
  static boolean isDead(Tid leader) {
    return isDead(Proc.live(), leader, leader);
  }

  private static boolean isDead(Proc proc, Tid leader, Tid task) {
    try {
      ProcTask thread = proc.task(leader).thread(task);
      Stat stat = thread.stat();
      return stat.state() == 'Z' || stat.state() == 'X' || (stat.flags() & EXITING) != 0
          || thread.status().pending().contains(SIGKILL);
    } catch (ProcException e) {
      return true;
    }
  }

  private static String how(Proc proc, Tid leader) {
    try {
      Stat stat = proc.task(leader).stat();
      return (stat.field(EXIT_CODE) & 0x7f) == SIGKILL
          ? " by SIGKILL: by somebody, or by the kernel for want of memory" : "";
    } catch (ProcException e) {
      return "";
    }
  }
}
