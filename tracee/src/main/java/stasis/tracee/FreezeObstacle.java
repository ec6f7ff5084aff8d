package stasis.tracee;

import stasis.linux.abi.Errno;
import stasis.linux.abi.Tid;

/// Why a thread group could not be stopped. After one of these nothing of it is traced or stopped.
public sealed interface FreezeObstacle {
  Tid task();

  /// What to tell the user: what stands in the way, and the remedy if there is one.
  String message();

  /// There is no such group, it is a zombie, or it died meanwhile.
  record Gone(Tid task) implements FreezeObstacle {
    @Override
    public String message() {
      return "task " + task + " does not exist or is dead";
    }
  }

  record NotTheLeader(Tid task, Tid leader) implements FreezeObstacle {
    @Override
    public String message() {
      return "task " + task + " is a thread of " + leader + "; name the thread group";
    }
  }

  /// A debugger holds it: a task has one tracer at most.
  record AlreadyTraced(Tid task, Tid tracer, String tracerName) implements FreezeObstacle {
    @Override
    public String message() {
      return "task " + task + " is traced by " + tracer + " (" + tracerName + "); detach that tracer first";
    }
  }

  record NotPermitted(Tid task, String name, Errno errno) implements FreezeObstacle {
    @Override
    public String message() {
      return "may not trace task " + task + " (" + name + "): " + errno.meaning()
          + "; run as its owner or with CAP_SYS_PTRACE, and see PR_SET_DUMPABLE and kernel.yama.ptrace_scope";
    }
  }

  /// Past the deadline; `state` D is uninterruptible, which a vfork parent is until its child execs or exits.
  record WouldNotStop(Tid task, String name, char state, String waitingIn) implements FreezeObstacle {
    @Override
    public String message() {
      return "task " + task + " (" + name + ") did not stop in time: state " + state
          + (waitingIn.isEmpty() ? "" : ", waiting in " + waitingIn)
          + (state == 'D' ? "; it is uninterruptible until " + awaited() : "");
    }

    /// Where the kernel waits for the child of vfork(2): wait_for_vfork_done(), or its caller where that is inlined.
    private String awaited() {
      return waitingIn.contains("vfork") || waitingIn.equals("kernel_clone")
          ? "its child of vfork(2) executes a program or ends" : "what it waits for happens";
    }
  }

  /// New threads appeared faster than they could be stopped.
  record TooManyRounds(Tid task, int rounds) implements FreezeObstacle {
    @Override
    public String message() {
      return "task " + task + " still had new threads after " + rounds + " rounds of stopping them";
    }
  }
}
