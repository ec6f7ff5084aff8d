package stasis.tracee;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;

/// The memory of another task, by process_vm_readv(2) and process_vm_writev(2); forced writes by /proc/PID/mem. Needs
/// ptrace permission, not attachment; may be used on any thread, from several at once.
///
/// @param task any thread of the address space
public record RemoteMemory(Tid task) {
  private static final int O_WRONLY = 1;
  private static final int O_CLOEXEC = 0x80000;
  /// Stretches one call takes (include/uapi/linux/uio.h, UIO_MAXIOV).
  private static final int IOV_MAX = 1024;

  public Bytes read(RemoteAddress from, int lengthBytes) throws SyscallException {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment into = call.allocate(Math.max(1, lengthBytes));
      read(from, into.asSlice(0, lengthBytes));
      return Bytes.of(into.asSlice(0, lengthBytes).toArray(JAVA_BYTE));
    }
  }

  public long readU64(RemoteAddress from) throws SyscallException {
    return read(from, Long.BYTES).u64(0);
  }

  /// Fills `into` whole, also from memory the task itself may not read. EFAULT, EIO: the exception names the first
  /// address that could not be read.
  public void read(RemoteAddress from, MemorySegment into) throws SyscallException {
    long done = readUpTo(from, into);
    if (done < into.byteSize()) {
      readForced(from.plus(done), into.asSlice(done));
    }
  }

  /// PROT_NONE stops process_vm_readv(2) but not /proc/PID/mem (FOLL_FORCE, fs/proc/base.c, mem_rw()).
  private void readForced(RemoteAddress from, MemorySegment into) throws SyscallException {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment path = call.allocateFrom("/proc/" + task + "/mem");
      long fd = Syscalls.require("open the memory of task " + task, Nr.OPENAT, -100, path.address(), O_CLOEXEC);
      try {
        for (long done = 0; done < into.byteSize();) {
          long got = Syscalls.call(Nr.PREAD64, fd, into.address() + done, into.byteSize() - done, from.bits() + done);
          // EIO: nothing is mapped there (fs/proc/base.c, mem_rw()).
          if (got == 0 || got == -Errno.EIO.number()) {
            throw fault(Nr.PREAD64, "read by force", from.plus(done), into.byteSize() - done);
          }
          if (Errno.isError(got)) {
            throw new SyscallException(Nr.PREAD64, Errno.of(got),
                "read by force at " + from.plus(done) + " in task " + task);
          }
          done += got;
        }
      } finally {
        Syscalls.call(Nr.CLOSE, fd);
      }
    }
  }

  /// Reads until `into` is full or an address cannot be read.
  ///
  /// @return the bytes read, from the start of `into` on
  public long readUpTo(RemoteAddress from, MemorySegment into) throws SyscallException {
    return transfer(Nr.PROCESS_VM_READV, "read", from, into);
  }

  /// Reads several stretches, one behind the other into `into`, by as few calls as the kernel allows.
  ///
  /// @param from where each starts @param lengthsBytes how long each is; together at most `into`
  /// @return the bytes read, from the start of `into` on: fewer than asked for where an address cannot be read
  public long gather(List<RemoteAddress> from, List<Long> lengthsBytes, MemorySegment into) throws SyscallException {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment local = call.allocate(16, 8);
      MemorySegment remote = call.allocate(16L * Math.min(from.size(), IOV_MAX), 8);
      long done = 0;
      for (int first = 0; first < from.size(); first += IOV_MAX) {
        int count = Math.min(IOV_MAX, from.size() - first);
        long wanted = 0;
        for (int i = 0; i < count; i++) {
          remote.set(JAVA_LONG, 16L * i, from.get(first + i).bits());
          remote.set(JAVA_LONG, 16L * i + 8, lengthsBytes.get(first + i));
          wanted += lengthsBytes.get(first + i);
        }
        local.set(JAVA_LONG, 0, into.address() + done);
        local.set(JAVA_LONG, 8, wanted);
        long moved = Syscalls.call(Nr.PROCESS_VM_READV, task.value(), local.address(), 1, remote.address(), count, 0);
        if (moved != -Errno.EFAULT.number() && Errno.isError(moved)) {
          throw new SyscallException(Nr.PROCESS_VM_READV, Errno.of(moved),
              "read " + count + " stretches of task " + task);
        }
        done += Math.max(0, moved);
        if (moved != wanted) {
          break;
        }
      }
      return done;
    }
  }

  public void write(RemoteAddress to, Bytes content) throws SyscallException {
    if (content.isEmpty()) {
      return;
    }
    try (Arena call = Arena.ofConfined()) {
      write(to, call.allocateFrom(JAVA_BYTE, content.toArray()));
    }
  }

  /// Writes `content` whole, where the task itself may write.
  public void write(RemoteAddress to, MemorySegment content) throws SyscallException {
    long done = transfer(Nr.PROCESS_VM_WRITEV, "write", to, content);
    if (done < content.byteSize()) {
      throw fault(Nr.PROCESS_VM_WRITEV, "write", to.plus(done), content.byteSize() - done);
    }
  }

  /// Writes also where the task may not, if the mapping is private: /proc/PID/mem copies the page (FOLL_FORCE,
  /// fs/proc/base.c). EIO: the kernel restricts that (`proc_mem.force_override=`); [Ptrace#poke] still can.
  public void writeForced(RemoteAddress to, Bytes content) throws SyscallException {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment path = call.allocateFrom("/proc/" + task + "/mem");
      long fd = Syscalls.require("open the memory of task " + task, Nr.OPENAT, -100, path.address(),
          O_WRONLY | O_CLOEXEC);
      try {
        MemorySegment bytes = call.allocateFrom(JAVA_BYTE, content.toArray());
        for (long done = 0; done < content.length();) {
          long wrote = Syscalls.require("write by force at " + to.plus(done) + " in task " + task, Nr.PWRITE64, fd,
              bytes.address() + done, content.length() - done, to.bits() + done);
          if (wrote == 0) {
            throw fault(Nr.PWRITE64, "write by force", to.plus(done), content.length() - done);
          }
          done += wrote;
        }
      } finally {
        Syscalls.call(Nr.CLOSE, fd);
      }
    }
  }

  /// Transfers come back short at the first unmapped page, and at a fatal signal; one that moves nothing gives the
  /// reason (process_vm_readv(2), "Return value").
  private long transfer(Nr nr, String verb, RemoteAddress remote, MemorySegment local) throws SyscallException {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment iovecs = call.allocate(32, 8);
      long done = 0;
      while (done < local.byteSize()) {
        iovecs.set(JAVA_LONG, 0, local.address() + done);
        iovecs.set(JAVA_LONG, 8, local.byteSize() - done);
        iovecs.set(JAVA_LONG, 16, remote.bits() + done);
        iovecs.set(JAVA_LONG, 24, local.byteSize() - done);
        long moved = Syscalls.call(nr, task.value(), iovecs.address(), 1, iovecs.address() + 16, 1, 0);
        if (moved == -Errno.EFAULT.number() || moved == 0) {
          return done;
        }
        if (Errno.isError(moved)) {
          throw new SyscallException(nr, Errno.of(moved),
              verb + " " + (local.byteSize() - done) + " bytes at " + remote.plus(done) + " of task " + task);
        }
        done += moved;
      }
      return done;
    }
  }

  private SyscallException fault(Nr nr, String verb, RemoteAddress at, long lengthBytes) {
    return new SyscallException(nr, Errno.EFAULT, verb + " " + lengthBytes + " bytes at " + at + " of task " + task);
  }
}
