package stasis.tracee.stub;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.tracee.Deadline;

/// The counter from which the kernel takes process ids in our pid namespace: who may not choose a number waits until it
/// comes to it.
///
/// Each call of clone(2) takes the next free number, also one that fails later: a pidfd that cannot be written to
/// memory gives the number back and leaves the counter where it is (kernel/fork.c, `copy_process()`; kernel/pid.c,
/// `alloc_pid()`, `idr_alloc_cyclic()`). So no task is made on the way. Whoever else makes tasks here moves it too.
public final class PidCounter {
  /// Below this, numbers are given once, before the counter has first passed it (kernel/pid.c, RESERVED_PIDS).
  public static final int GIVEN_ONCE = 300;

  private static final Path LAST = Path.of("/proc/sys/kernel/ns_last_pid");
  private static final Path MAX = Path.of("/proc/sys/kernel/pid_max");
  private static final long CLONE_VM_FS_FILES_SIGHAND = 0x100 | 0x200 | 0x400 | 0x800;
  private static final long CLONE_PIDFD = 0x1000;
  /// No user memory: nothing can be written there.
  private static final long NOWHERE = -4096;
  private static final int AT_ONCE = 8192;
  private static final int NEAR = 24;
  private static final Duration BOUND = Duration.ofMinutes(2);

  private final Stub walker;
  private final Runnable meanwhile;

  /// @param walker a stub in our pid namespace, which makes the calls
  /// @param meanwhile run now and then on a long way; what it throws ends it
  public PidCounter(Stub walker, Runnable meanwhile) {
    this.walker = walker;
    this.meanwhile = meanwhile;
  }

  /// The last number given; empty where the kernel does not tell (CONFIG_CHECKPOINT_RESTORE).
  public static Optional<Integer> last() {
    return number(LAST);
  }

  /// How many numbers lie between the last one given and another, at most.
  public static int distance(int last, int wanted) {
    return wanted > last ? wanted - last : max() - last + wanted;
  }

  /// One more than the greatest number there can be.
  public static int max() {
    return number(MAX).orElse(32_768);
  }

  /// Brings the counter close to `wanted`.
  ///
  /// @return how many numbers are still to be passed over before the next task gets it, if nobody else makes one
  ///     meanwhile: by [#pass], in the batch of the birth
  /// @throws SyscallException EAGAIN: this user, or the control group, may have no more tasks
  public int approach(int wanted) throws SyscallException {
    SortedSet<Integer> used = used();
    for (int last = last(wanted, used);; last = last(wanted, used)) {
      int free = free(used, last, wanted);
      while (free > NEAR) {
        walk(free);
        last = require();
        free = free(used, last, wanted);
      }
      // Looked at again, as some have ended meanwhile and others begun.
      used = used();
      last = require();
      free = free(used, last, wanted);
      if (last < wanted && free <= NEAR) {
        return free;
      }
    }
  }

  /// The last number given, when that is below `wanted` again.
  private int last(int wanted, SortedSet<Integer> used) throws SyscallException {
    int last = require();
    while (last >= wanted) {
      int before = last;
      walk(free(used, last, max()) + 1);
      last = require();
      if (last < before) {
        return last < wanted ? last : last(wanted, used);
      }
    }
    return last;
  }

  private static int free(SortedSet<Integer> used, int last, int wanted) {
    return last + 1 >= wanted ? 0 : wanted - 1 - last - used.subSet(last + 1, wanted).size();
  }

  /// Half of what is left, since others count as well and some numbers cannot be seen; the last ones singly.
  private void walk(int free) throws SyscallException {
    meanwhile.run();
    var batch = new Batch();
    pass(batch, free <= NEAR ? 1 : Math.min(free / 2, AT_ONCE));
    switch (walker.run(batch, Deadline.after(BOUND))) {
      case Outcome.Completed _ -> { }
      case Outcome.Stopped(_, long result, _, _) -> throw new SyscallException(Nr.CLONE,
          Errno.isError(result) ? Errno.of(result) : Errno.EINVAL, "pass over a process id");
      case Outcome other -> throw new SyscallException(Nr.CLONE, Errno.ESRCH, "pass over process ids: " + other);
    }
  }

  /// Adds calls that pass over numbers to a batch.
  public static void pass(Batch batch, int numbers) {
    for (int i = 0; i < numbers; i++) {
      batch.call(Nr.CLONE, Expect.exactly(-Errno.EFAULT.number()), Operand.imm(CLONE_VM_FS_FILES_SIGHAND | CLONE_PIDFD),
          Operand.imm(0), Operand.imm(NOWHERE), Operand.imm(0), Operand.imm(0));
    }
  }

  /// Numbers of tasks, process groups and sessions that our /proc shows.
  private static SortedSet<Integer> used() {
    var used = new TreeSet<Integer>();
    try (DirectoryStream<Path> groups = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
      for (Path group : groups) {
        used.add(Integer.parseInt(String.valueOf(group.getFileName())));
        used.addAll(PidHolder.ids(PidHolder.read(group.resolve("stat"))));
        threads(group, used);
      }
    } catch (IOException e) {
      return used;
    }
    return used;
  }

  private static void threads(Path group, SortedSet<Integer> used) {
    try (DirectoryStream<Path> threads = Files.newDirectoryStream(group.resolve("task"))) {
      threads.forEach(thread -> used.add(Integer.parseInt(String.valueOf(thread.getFileName()))));
    } catch (IOException e) {
      // It has ended, or is not ours to look into: its numbers count as free, and the way is gone in smaller steps.
      return;
    }
  }

  private static int require() throws SyscallException {
    return last().orElseThrow(() -> new SyscallException(Nr.OPENAT, Errno.ENOENT, "read " + LAST));
  }

  /// By lines: the kernel gives such a number in one read only, and Files.readString begins with one byte.
  private static Optional<Integer> number(Path file) {
    try {
      return Optional.of(Integer.parseInt(Files.readAllLines(file, StandardCharsets.ISO_8859_1).getFirst().strip()));
    } catch (IOException | NumberFormatException e) {
      return Optional.empty();
    }
  }
}
