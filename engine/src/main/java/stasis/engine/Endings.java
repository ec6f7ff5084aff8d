package stasis.engine;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SigSet;
import stasis.linux.abi.SyscallException;
import stasis.linux.sys.Syscalls;
import stasis.procfs.ProcException;
import stasis.procfs.ProcTask;
import stasis.resource.Step;
import stasis.resource.TaskState;
import stasis.tracee.Deadline;
import stasis.tracee.Ptrace;
import stasis.tracee.Stop;
import stasis.tracee.stub.Stub;

/// Stops a stub as its program was stopped, or ends it as its zombie ended: by exit_group(2) with a code, or by a
/// signal. Its parent is told as ever; what is left of it is the parent's to wait for.
final class Endings {
  private static final Duration BOUND = Duration.ofSeconds(10);
  private static final long POLL_NS = 100_000;
  private static final int SIGKILL = 9;
  private static final int SIGSTOP = 19;
  private static final SigSet ALL_BUT_SIGTRAP = new SigSet(~(1L << 4));

  private Endings() {}

  /// A group stop while traced: the group counts as stopped from here on, whatever the tracer makes it do, and is when
  /// it is let go (kernel/ptrace.c, `__ptrace_unlink()`). In an orphaned process group only SIGSTOP stops (kernel/
  /// signal.c, `get_signal()`).
  static void stop(Ptrace ptrace, Stub stub, int signal) throws SyscallException {
    ptrace.setSignalMask(stub.tid(), new SigSet(0));
    Deadline deadline = Deadline.after(BOUND);
    for (int sent : new int[] {signal, SIGSTOP}) {
      Syscalls.require("stop a stub by signal " + sent, Nr.KILL, stub.tid().value(), sent);
      ptrace.cont(stub.tid(), 0);
      if (isStopped(ptrace, stub, sent, deadline)) {
        break;
      }
    }
    ptrace.setSignalMask(stub.tid(), ALL_BUT_SIGTRAP);
  }

  /// @return false when the signal was delivered and did not stop it
  private static boolean isStopped(Ptrace ptrace, Stub stub, int signal, Deadline deadline) throws SyscallException {
    boolean delivered = false;
    while (true) {
      Stop stop = ptrace.await(stub.tid(), deadline).orElseThrow(() -> new SyscallException(Nr.WAIT4, Errno.ETIMEDOUT,
          "stop stub " + stub.tid() + " by signal " + signal));
      if (stop instanceof Stop.GroupStop) {
        return true;
      }
      if (stop.isFinal()) {
        throw new SyscallException(Nr.WAIT4, Errno.ESRCH, "stop stub " + stub.tid() + " by signal " + signal);
      }
      if (delivered) {
        return false;
      }
      if (stop instanceof Stop.SignalDelivery delivery && delivery.signal() == signal) {
        delivered = true;
        ptrace.interrupt(stub.tid());
        ptrace.cont(stub.tid(), signal);
      } else {
        ptrace.cont(stub.tid(), 0);
      }
    }
  }

  /// A leader ends, and its threads do not: by exit(2). Its tracer is told of that only when the last thread has ended
  /// (kernel/exit.c, `delay_group_leader()`), so it goes alone.
  ///
  /// @param gadget a syscall instruction that is left
  static void exit(Ptrace ptrace, ProcTask task, Stub stub, RemoteAddress gadget, TaskState.Ended how)
      throws SyscallException, ProcException {
    ptrace.setRegisters(stub.tid(), ptrace.registers(stub.tid()).forCall(gadget, Nr.EXIT.on(Syscalls.HOST),
        how.status() >> 8 & 0xff));
    // It must not take what waits for its threads.
    if ((task.status().sharedPending().bits() & ~how.blocked().bits()) == 0) {
      ptrace.setSignalMask(stub.tid(), how.blocked());
    }
    stub.release();
    Deadline deadline = Deadline.after(BOUND);
    while (task.status().state() != 'Z') {
      if (deadline.passed()) {
        throw new SyscallException(Nr.EXIT, Errno.ETIMEDOUT, "end the leader " + stub.tid());
      }
      LockSupport.parkNanos(POLL_NS);
    }
  }

  static void end(Ptrace ptrace, Stub stub, Step.End end) throws SyscallException {
    int signal = end.status() & 0x7f;
    ptrace.setSignalMask(stub.tid(), end.mask());
    if (signal == 0) {
      RemoteAddress gadget = stub.region().gadget();
      ptrace.setRegisters(stub.tid(), ptrace.registers(stub.tid()).forCall(gadget, Nr.EXIT_GROUP.on(Syscalls.HOST),
          end.status() >> 8 & 0xff));
    } else {
      Syscalls.require("end a stub by signal " + signal, Nr.KILL, stub.tid().value(), signal);
    }
    if (signal != SIGKILL) {
      // SIGKILL ends a traced stop by itself.
      ptrace.cont(stub.tid(), 0);
    }
    Deadline deadline = Deadline.after(BOUND);
    while (true) {
      Stop stop = ptrace.await(stub.tid(), deadline).orElseThrow(() -> new SyscallException(Nr.WAIT4, Errno.ETIMEDOUT,
          "await the end of stub " + stub.tid()));
      if (stop.isFinal()) {
        return;
      }
      ptrace.cont(stub.tid(), stop instanceof Stop.SignalDelivery delivery ? delivery.signal() : 0);
    }
  }
}
