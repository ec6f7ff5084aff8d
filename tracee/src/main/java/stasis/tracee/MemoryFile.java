package stasis.tracee;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;

/// The memory of another task, by /proc/PID/mem held open. As fast as process_vm_readv(2) for large stretches, and it
/// leaves pages shared that fork(2) shares: that call pins them, for which the kernel makes a copy of each first
/// (mm/gup.c, gup_must_unshare()), ten times slower and at the price of as much memory.
public final class MemoryFile implements AutoCloseable {
  private static final int AT_FDCWD = -100;
  private static final int O_CLOEXEC = 0x80000;

  private final Tid task;
  private final long fd;

  public MemoryFile(Tid task) throws SyscallException {
    this.task = task;
    try (Arena call = Arena.ofConfined()) {
      this.fd = Syscalls.require("open the memory of task " + task, Nr.OPENAT, AT_FDCWD,
          call.allocateFrom("/proc/" + task + "/mem").address(), O_CLOEXEC);
    }
  }

  public Tid task() {
    return task;
  }

  /// Fills `into` whole, also from memory the task itself may not read (FOLL_FORCE, fs/proc/base.c, mem_rw()). EIO:
  /// nothing is mapped there.
  public void read(RemoteAddress from, MemorySegment into) throws SyscallException {
    for (long done = 0; done < into.byteSize();) {
      long got = Syscalls.require("read at " + from.plus(done) + " in task " + task, Nr.PREAD64, fd,
          into.address() + done, into.byteSize() - done, from.bits() + done);
      if (got == 0) {
        throw new SyscallException(Nr.PREAD64, Errno.ESRCH, "read at " + from.plus(done) + " in task " + task
            + ", which has no memory any more");
      }
      done += got;
    }
  }

  @Override
  public void close() {
    Syscalls.call(Nr.CLOSE, fd);
  }
}
