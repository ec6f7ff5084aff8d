package stasis.linux.peer;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.sys.HeapArray;
import stasis.linux.sys.Syscalls;

/// What this process does with itself as a whole: it rests, or becomes another program.
public final class OwnProcess {
  /// pause(2), which x86-64 alone has.
  public static final int REST = 34;

  private static final int SIG_SETMASK = 2;
  private static final int PR_SET_PDEATHSIG = 1;
  private static final int SIGKILL = 9;

  private OwnProcess() {}

  /// Waits for good. It returns in a process that is started from an image of this one, and there alone.
  public static void rest() {
    long woken;
    do {
      woken = Syscalls.kernel(REST);
    } while (woken != 0);
  }

  /// Has this process killed when the one that started it ends (PR_SET_PDEATHSIG).
  public static void endWithParent() {
    Syscalls.call(Nr.PRCTL, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  }

  /// Closes all descriptors between these two, both included (close_range(2)).
  public static void close(Fd first, Fd last) {
    Syscalls.call(Nr.CLOSE_RANGE, first.value(), last.value(), 0);
  }

  /// See [HeapArray#giveBack].
  public static boolean giveBack(byte[] zeros) {
    return HeapArray.giveBack(zeros);
  }

  /// Ends at once, with all threads (exit_group(2)): what is not written yet is lost, and no shutdown hook runs.
  ///
  /// @return never
  public static int end(int status) {
    Syscalls.kernel(Nr.EXIT_GROUP.on(Syscalls.HOST), status);
    throw new AssertionError("exit_group(2) returned");
  }

  /// Another program in place of this one, execve(2). No signal is blocked in it, whatever this thread blocks. Strings
  /// are without their NUL.
  ///
  /// @return minus errno; it does not return otherwise
  public static long become(Bytes path, List<Bytes> arguments, List<Bytes> environment) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment none = arena.allocate(JAVA_LONG);
      Syscalls.kernel(Nr.RT_SIGPROCMASK.on(Syscalls.HOST), SIG_SETMASK, none.address(), 0, Long.BYTES);
      return Syscalls.kernel(Nr.EXECVE.on(Syscalls.HOST), text(arena, path), vector(arena, arguments),
          vector(arena, environment));
    }
  }

  private static long text(Arena arena, Bytes bytes) {
    return arena.allocateFrom(JAVA_BYTE, bytes.concat(Bytes.zeros(1)).toArray()).address();
  }

  private static long vector(Arena arena, List<Bytes> strings) {
    MemorySegment pointers = arena.allocate(ADDRESS, strings.size() + 1L);
    for (int i = 0; i < strings.size(); i++) {
      pointers.setAtIndex(JAVA_LONG, i, text(arena, strings.get(i)));
    }
    return pointers.address();
  }
}
