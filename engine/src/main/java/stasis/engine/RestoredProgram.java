package stasis.engine;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;

/// A restored program that runs, as its parent sees it: who restored it can wait for it and send it signals.
///
/// @param root in the engine's pid namespace @param waitable our child that ends as the program ends: the root, or the
///     first process of a pid namespace made for it
public record RestoredProgram(Tid root, Tid waitable) {
  private static final int WALL = 0x40000000;

  /// Sends a signal to the thread group, kill(2). One that has ended meanwhile is not told: nothing is lost by that.
  public void signal(int number) {
    Syscalls.call(Nr.KILL, root.value(), number);
  }

  /// Waits for its end and reaps it, wait4(2). To be called once.
  ///
  /// @return as a shell has it: the exit code, or 128 and the number of the signal that ended it
  /// @throws SyscallException ECHILD when this process is not the parent
  public int await() throws SyscallException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment status = arena.allocate(JAVA_INT);
      while (true) {
        long result = Syscalls.call(Nr.WAIT4, waitable.value(), status.address(), WALL, 0);
        if (!Errno.isError(result)) {
          int word = status.get(JAVA_INT, 0);
          // include/uapi/linux/wait.h: low seven bits are the signal, the byte above them the code.
          return (word & 0x7f) == 0 ? (word >>> 8) & 0xff : 128 + (word & 0x7f);
        }
        // A signal to this process interrupts the wait, not the program: wait(2) may be called again.
        if (result != -Errno.EINTR.number()) {
          throw new SyscallException(Nr.WAIT4, Errno.of(result), "wait for the restored program " + root);
        }
      }
    }
  }
}
