package stasis.resource;

import java.util.List;
import java.util.Set;
import stasis.image.ObjectId;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.PathBytes;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SigSet;

/// The whole instruction set of a restore. Closed: the executor, the printer and the checker must each handle every
/// step.
/// `in` names a task by its object in the statefile.
public sealed interface Step {
  ObjectId in();

  String why();

  /// One syscall in a task; arguments left out are 0. Consecutive calls of a task run as one batch, without a stop
  /// between them.
  record Call(ObjectId in, Nr nr, List<Arg> args, Expect expect, String why) implements Step {
    public Call {
      args = List.copyOf(args);
      if (args.size() > 6) {
        throw new IllegalArgumentException(nr + " takes at most 6 arguments, got " + args.size());
      }
    }
  }

  /// A task comes into being with its pids. Threads are born in their leader, tasks in their parent.
  record Spawn(ObjectId in, Birth birth, String why) implements Step {}

  /// The task executes `program`, and is taken over before the first instruction of it: its program file and comm are
  /// the program's by that, its memory is empty again. What it has open stays open. How a task comes to have a program
  /// where it cannot be given one ([Host#setsProgram]).
  record TakeOver(ObjectId in, PathBytes program, String why) implements Step {}

  /// The kernel's vdso and its data pages, at `at`, where nothing may be mapped (arch_prctl ARCH_MAP_VDSO_64 on
  /// x86-64).
  record MapVdso(ObjectId in, RemoteAddress at, String why) implements Step {}

  /// A mapping of a file that takes no address (io_uring/memmap.c, io_uring_get_unmapped_area()): all holes above `at`
  /// are taken meanwhile, so that the kernel's search from above ends there.
  ///
  /// @param at where nothing may be mapped
  record MapWhereFree(ObjectId in, Fd file, RemoteAddress at, long lengthBytes, int prot, int flags, long offset,
      String why) implements Step {}

  /// The same call over and over, each followed by a copy of 4 bytes within the task's memory: for what only counts by
  /// being done.
  record Repeat(ObjectId in, Call call, long times, RemoteAddress to, RemoteAddress from, String why)
      implements Step {}

  /// Bytes written to the task's memory, whatever its protection.
  record Poke(ObjectId in, RemoteAddress at, Bytes bytes, String why) implements Step {}

  /// Stored pages of `body` from `fromOffset` on, for `lengthBytes`, into the task's memory at `to`. Holes stay as
  /// they are.
  ///
  /// @param forced the memory may be unwritable for the task: written from outside, as a debugger does
  record Fill(ObjectId in, ObjectId body, long fromOffset, long lengthBytes, RemoteAddress to, boolean forced,
      String why) implements Step {}

  /// All stored pages of `body` into a file, at the same offsets. Holes stay holes.
  record FillFile(ObjectId in, Ref<Fd> file, ObjectId body, String why) implements Step {}

  /// The task's last step: all that was only ours leaves it, and it goes on with `cpu`.
  record Release(ObjectId in, CpuState cpu, String why) implements Step {}

  /// The task ends here, in its own way: a helper that is needed no more, or one that was a zombie. Its parent is told.
  ///
  /// @param status as wait(2) will give it @param mask signals it blocks then
  record End(ObjectId in, int status, SigSet mask, String why) implements Step {}

  /// The thread group comes to a group stop by `signal`, as SIGSTOP makes one; its steps go on all the same, and the
  /// stop holds when it is released. Its parent is told.
  record Stop(ObjectId in, int signal, String why) implements Step {}

  /// How a task is born.
  sealed interface Birth {
    /// @param pids the task's pid in each pid namespace it is in, outermost first
    List<Integer> pids();

    /// The first task of the tree.
    ///
    /// @param region where the restore program's own memory may lie: an address hole in every mm of the tree
    /// @param imageFd the fd under which the root and its children find the statefile, above every fd of the tree
    record Root(List<Integer> pids, RemoteAddress region, int imageFd) implements Birth {
      public Root {
        pids = List.copyOf(pids);
      }
    }

    /// A child process, cloned from `parent` with what `parent` has by then.
    record Child(ObjectId parent, List<Integer> pids, long cloneFlags, int exitSignal) implements Birth {
      public Child {
        pids = List.copyOf(pids);
      }
    }

    /// A thread of `leader`'s group.
    record Thread(ObjectId leader, List<Integer> pids) implements Birth {
      public Thread {
        pids = List.copyOf(pids);
      }
    }
  }

  /// What a call must answer for the program to go on.
  sealed interface Expect {
    /// Anything but an errno.
    record Success() implements Expect {}

    /// The same of a name as the program itself once gave it: symbolic links in it are followed. Else names are those
    /// that the kernel told, which lead through none, and are walked so.
    record SuccessByGivenName() implements Expect {}

    /// Exactly this: a short read is a failure.
    record Exactly(long value) implements Expect {}

    /// Success, or one of these errnos.
    record OrErrno(Set<Errno> tolerated) implements Expect {
      public OrErrno {
        tolerated = Set.copyOf(tolerated);
      }
    }
  }
}
