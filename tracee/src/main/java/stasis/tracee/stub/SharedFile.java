package stasis.tracee.stub;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.sys.Syscalls;

/// A memfd that a keeper maps and the engine writes by pwrite(2): both see the same pages, and nothing here can fault.
///
/// A write of this process is whole when the keeper comes to read it: it reads when asked, or when the last copy of the
/// engine's socket is closed, which is after every thread of a killed engine has left the kernel.
///
/// @param fd ours @param base where the keeper maps it @param lengthBytes all of it
record SharedFile(Fd fd, RemoteAddress base, long lengthBytes) implements AutoCloseable {
  private static final int MFD_CLOEXEC = 1;

  static SharedFile create(RemoteAddress base, long lengthBytes) throws SyscallException {
    try (Arena call = Arena.ofConfined()) {
      long fd = Syscalls.require("make what is shared with a keeper", Nr.MEMFD_CREATE,
          call.allocateFrom("stasis-keeper").address(), MFD_CLOEXEC);
      var file = new SharedFile(new Fd((int) fd), base, lengthBytes);
      try {
        Syscalls.require("size what is shared with a keeper", Nr.FTRUNCATE, fd, lengthBytes);
        return file;
      } catch (SyscallException e) {
        file.close();
        throw e;
      }
    }
  }

  RemoteAddress at(long offset) {
    return base.plus(offset);
  }

  void write(RemoteAddress to, MemorySegment content) throws SyscallException {
    transfer(Nr.PWRITE64, "write to", to, content);
  }

  void read(RemoteAddress from, MemorySegment into) throws SyscallException {
    transfer(Nr.PREAD64, "read", from, into);
  }

  void writeU64(RemoteAddress to, long... values) throws SyscallException {
    try (Arena call = Arena.ofConfined()) {
      write(to, call.allocateFrom(ValueLayout.JAVA_LONG, values));
    }
  }

  long readU64(RemoteAddress from) throws SyscallException {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment word = call.allocate(8, 8);
      read(from, word);
      return word.get(ValueLayout.JAVA_LONG, 0);
    }
  }

  private void transfer(Nr nr, String verb, RemoteAddress remote, MemorySegment local) throws SyscallException {
    long moved = Syscalls.require(verb + " what is shared with a keeper", nr, fd.value(), local.address(),
        local.byteSize(), remote.bits() - base.bits());
    if (moved != local.byteSize()) {
      throw new SyscallException(nr, Errno.ENOSPC, verb + " what is shared with a keeper");
    }
  }

  @Override
  public void close() {
    Syscalls.call(Nr.CLOSE, fd.value());
  }
}
