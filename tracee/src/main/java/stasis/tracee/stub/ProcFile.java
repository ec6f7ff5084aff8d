package stasis.tracee.stub;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.sys.Syscalls;

/// Files of /proc that set something.
final class ProcFile {
  private static final int AT_FDCWD = -100;
  private static final int O_WRONLY_CLOEXEC = 1 | 0x80000;

  private ProcFile() {}

  /// In one write(2), as the kernel wants it.
  static void write(String path, String content, String remedy) throws SyscallException {
    try (Arena call = Arena.ofConfined()) {
      long fd = Syscalls.require("open " + path, Nr.OPENAT, AT_FDCWD, call.allocateFrom(path).address(),
          O_WRONLY_CLOEXEC);
      MemorySegment bytes = call.allocateFrom(content);
      long wrote = Syscalls.call(Nr.WRITE, fd, bytes.address(), bytes.byteSize() - 1);
      Syscalls.call(Nr.CLOSE, fd);
      if (Errno.isError(wrote)) {
        throw new SyscallException(Nr.WRITE, Errno.of(wrote), "write \"" + content.strip() + "\" to " + path, remedy);
      }
    }
  }
}
