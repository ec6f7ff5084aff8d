package stasis.tracee;

import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.Tid;

/// Why nothing may be injected into a task. Found before any of its registers is changed.
public sealed interface ErrandObstacle {
  Tid task();

  String message();

  record Compat(Tid task, long cs) implements ErrandObstacle {
    @Override
    public String message() {
      return "task " + task + " runs 32-bit code (cs " + Long.toHexString(cs)
          + "); only 64-bit tasks can be injected into";
    }
  }

  /// It is inside a call made by another instruction than `syscall`, which our rules for going on do not cover.
  record ForeignCall(Tid task, RemoteAddress at) implements ErrandObstacle {
    @Override
    public String message() {
      return "task " + task + " entered the kernel at " + at + " by another way than the syscall instruction";
    }
  }

  /// It steps through its own code with the trap flag; our code would raise SIGTRAP in it.
  record TrapFlag(Tid task) implements ErrandObstacle {
    @Override
    public String message() {
      return "task " + task + " has the trap flag set";
    }
  }

  record ShadowStack(Tid task) implements ErrandObstacle {
    @Override
    public String message() {
      return "task " + task + " has a shadow stack, with which injection has not been tried";
    }
  }

  record UserDispatch(Tid task) implements ErrandObstacle {
    @Override
    public String message() {
      return "task " + task + " has syscall user dispatch on: injected calls would become SIGSYS";
    }
  }

  /// PTRACE_O_SUSPEND_SECCOMP is no way out: it ends with the tracer, and then the undo would be killed.
  record SeccompForbids(Tid task, String call) implements ErrandObstacle {
    @Override
    public String message() {
      return "a seccomp filter of task " + task + " does not let every " + call + " pass";
    }
  }

  record SeccompUnknown(Tid task, String reason) implements ErrandObstacle {
    @Override
    public String message() {
      return "the seccomp filters of task " + task + " cannot be read (" + reason + "); run with CAP_SYS_ADMIN";
    }
  }

  record NoRoom(Tid task) implements ErrandObstacle {
    @Override
    public String message() {
      return "no unused executable memory in task " + task + ": neither behind the vdso nor behind a mapped program";
    }
  }

  /// A tracer died here, and a signal frame may still lead back into what it left.
  record SlotStillReferenced(Tid task, RemoteAddress slot) implements ErrandObstacle {
    @Override
    public String message() {
      return "task " + task + " may still return into what a killed tracer left at " + slot
          + "; wait until its signal handler is done";
    }
  }

  /// An earlier errand did not come to its end; the way back happens when the task is let go.
  record OnItsWayBack(Tid task) implements ErrandObstacle {
    @Override
    public String message() {
      return "task " + task + " has not come back from a broken errand; let it go first";
    }
  }

  record NoScratch(Tid task, String errno) implements ErrandObstacle {
    @Override
    public String message() {
      return "task " + task + " could not map scratch memory: " + errno
          + "; raise vm.max_map_count, RLIMIT_AS or, under mlockall, RLIMIT_MEMLOCK";
    }
  }

  /// A copy of its memory would be the init of that namespace, or belong to it.
  record ChildrenElsewhere(Tid task, String why) implements ErrandObstacle {
    @Override
    public String message() {
      return "no copy of the memory of task " + task + " can be made: " + why;
    }
  }
}
