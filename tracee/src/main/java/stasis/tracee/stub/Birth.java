package stasis.tracee.stub;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.tracee.Deadline;

/// Births of single stubs with the pids wanted. Many at once are entries of one [Batch]: [CloneArgs#addTo].
public final class Birth {
  private static final Duration CLONE_WITHIN = Duration.ofSeconds(10);
  /// A task leaves /proc a little before its number is free (kernel/exit.c, `release_task()`), which it is only when it is
  /// nobody's process group or session either: not before an init, which may take seconds, has buried those.
  private static final Duration UNSEEN_FOR = Duration.ofSeconds(3);
  private static final long RETRY_NS = 1_000_000;

  private Birth() {}

  /// A sibling of `stub`: a child of whoever spawned it, the engine. That is how the root of a restored tree becomes
  /// the engine's own child, which it can wait for.
  ///
  /// Its exit signal is that of `stub`'s group leader, SIGCHLD after posix_spawn(3), whatever clone3(2) was told
  /// (kernel/fork.c, `copy_process()`; clone3 insists on 0).
  ///
  /// @param pids innermost pid namespace first; empty: any
  public static Stub sibling(Stub stub, List<Integer> pids, Deadline patience)
      throws SyscallException, PidTakenException {
    return of(stub, new CloneArgs(CloneArgs.CLONE_PARENT, 0, pids), patience);
  }

  /// A birth in turn: the next number but `passed` is the one wanted.
  ///
  /// @param args choose no pids
  public static Stub inTurn(Stub parent, CloneArgs args, int passed) throws SyscallException {
    var batch = new Batch();
    PidCounter.pass(batch, passed);
    args.addTo(batch);
    return switch (parent.run(batch, Deadline.after(CLONE_WITHIN))) {
      case Outcome.Completed completed -> parent.adopt(completed.born().getFirst());
      case Outcome.Stopped(_, long result, _, _) when Errno.isError(result) ->
          throw refused(args, Errno.of(result));
      case Outcome other -> throw new SyscallException(Nr.CLONE, Errno.ESRCH, "bear a task in turn: " + other);
    };
  }

  /// @param patience until when a holder of the number that is about to go is waited for
  public static Stub of(Stub parent, CloneArgs args, Deadline patience) throws SyscallException, PidTakenException {
    var batch = new Batch();
    args.addTo(batch);
    BatchRun run = parent.start(batch);
    Outcome outcome = run.await(Deadline.after(CLONE_WITHIN));
    Optional<Deadline> unseen = Optional.empty();
    while (true) {
      if (outcome instanceof Outcome.Completed completed) {
        return parent.adopt(completed.born().getFirst());
      }
      if (!(outcome instanceof Outcome.Stopped stopped)) {
        throw new SyscallException(Nr.CLONE3, Errno.ESRCH, "bear a task with pids " + args.pids() + ": " + outcome);
      }
      if (stopped.result() != -Errno.EEXIST.number()) {
        throw refused(args, Errno.of(stopped.result()));
      }
      int wanted = args.pids().getLast();
      // A number of a namespace below ours means another task in our /proc.
      Optional<PidHolder> holder =
          args.pids().size() == levels(parent) ? PidHolder.await(wanted, patience) : Optional.empty();
      if (holder.isPresent()) {
        throw new PidTakenException(wanted, holder);
      }
      if (unseen.isEmpty()) {
        unseen = Optional.of(Deadline.after(UNSEEN_FOR));
      } else if (unseen.get().passed()) {
        throw new PidTakenException(wanted, holder);
      }
      LockSupport.parkNanos(RETRY_NS);
      outcome = run.again(Deadline.after(CLONE_WITHIN));
    }
  }

  /// How many pid namespaces, ours and those below, `stub` is in.
  private static int levels(Stub stub) throws SyscallException {
    try {
      return Files.readAllLines(Path.of("/proc/" + stub.tid() + "/status"), StandardCharsets.ISO_8859_1).stream()
          .filter(line -> line.startsWith("NSpid:")).findFirst().orElse("NSpid:\t1").split("\t").length - 1;
    } catch (IOException e) {
      throw new SyscallException(Nr.OPENAT, Errno.ESRCH, "read the pid namespaces of stub " + stub.tid());
    }
  }

  private static SyscallException refused(CloneArgs args, Errno errno) {
    String remedy = switch (errno) {
      case EPERM -> "choosing a pid needs CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN in each pid namespace;"
          + " an ordinary user restores in a user and pid namespace";
      case EINVAL -> "is each pid below kernel.pid_max, and are there no more of them than nested pid namespaces?";
      case EAGAIN -> "see RLIMIT_NPROC and the pids.max of the control group";
      default -> "";
    };
    return new SyscallException(Nr.CLONE3, errno, "bear a task with pids " + args.pids(), remedy);
  }
}
