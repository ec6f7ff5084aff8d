package stasis.engine;

import java.lang.foreign.Arena;
import java.util.List;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.sys.Syscalls;

/// How this process leaves whoever started it, and goes on.
public final class Detachment {
  private static final int AT_FDCWD = -100;
  private static final int O_RDWR_CLOEXEC = 0x80002;

  private Detachment() {}

  /// A session of its own, and none of what it was given to read from and to write to: who waits for the end of a pipe
  /// has it now.
  public static void leave(List<Fd> given) throws SyscallException {
    Syscalls.call(Nr.SETSID); // EPERM: it leads its group, as the first process of a shell's pipeline does
    try (Arena arena = Arena.ofConfined()) {
      long none = Syscalls.require("open /dev/null", Nr.OPENAT, AT_FDCWD, arena.allocateFrom("/dev/null").address(),
          O_RDWR_CLOEXEC, 0);
      for (Fd fd : given) {
        Syscalls.require("leave fd " + fd, Nr.DUP3, none, fd.value(), 0);
      }
      Syscalls.call(Nr.CLOSE, none);
    }
  }
}
