package stasis.tracee.stub;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;

/// Starts an executable that exists in memory only.
final class Spawner {
  private static final int MFD_CLOEXEC = 1;
  private static final int MFD_EXEC = 0x10;
  private static final int O_CLOEXEC = 0x80000;
  private static final int F_GETFD = 1;
  private static final int F_SETFD = 2;
  private static final int FD_CLOEXEC = 1;
  private static final int SIGCHLD = 17;
  private static final long SIG_IGN = 1;

  private Spawner() {}

  /// Spawns a child with no environment. It has the descriptors in `inherit`, at the same numbers, and any other that
  /// this JVM holds without O_CLOEXEC: the child is to close those.
  ///
  /// One at a time: while this runs, descriptors in `inherit` are inherited by whatever else this JVM spawns.
  static Tid spawn(Bytes elf, String name, List<Fd> inherit) throws SyscallException {
    // What others spawn meanwhile must not have `inherit`.
    synchronized (Spawner.class) {
      return spawnAlone(elf, name, inherit);
    }
  }

  private static Tid spawnAlone(Bytes elf, String name, List<Fd> inherit) throws SyscallException {
    try (Arena call = Arena.ofConfined()) {
      keepExitStatuses(call);
      long file = executable(call, elf, name);
      try {
        List<Fd> closing = inherit.stream().filter(Spawner::closesOnExec).toList();
        closing.forEach(fd -> Syscalls.call(Nr.FCNTL, fd.value(), F_SETFD, 0));
        try {
          MemorySegment path = call.allocateFrom("/proc/self/fd/" + file);
          MemorySegment argv = call.allocate(ADDRESS, 2);
          argv.setAtIndex(ADDRESS, 0, call.allocateFrom(name));
          long pid = Syscalls.spawn(path, argv, call.allocate(ADDRESS, 1));
          if (Errno.isError(pid)) {
            throw new SyscallException(Nr.EXECVE, Errno.of(pid), "spawn " + name,
                "is /proc mounted, and may this user start one more process?");
          }
          return new Tid(Math.toIntExact(pid));
        } finally {
          closing.forEach(fd -> Syscalls.call(Nr.FCNTL, fd.value(), F_SETFD, FD_CLOEXEC));
        }
      } finally {
        Syscalls.call(Nr.CLOSE, file);
      }
    }
  }

  /// Opened anew for reading: a file that is open for writing cannot be executed (ETXTBSY, execve(2)).
  private static long executable(Arena call, Bytes elf, String name) throws SyscallException {
    MemorySegment label = call.allocateFrom(name);
    // MFD_EXEC is needed where vm.memfd_noexec is 1, and unknown (EINVAL) before Linux 6.3.
    long created = Syscalls.call(Nr.MEMFD_CREATE, label.address(), MFD_CLOEXEC | MFD_EXEC);
    long file = created != -Errno.EINVAL.number() ? created
        : Syscalls.call(Nr.MEMFD_CREATE, label.address(), MFD_CLOEXEC);
    if (Errno.isError(file)) {
      throw new SyscallException(Nr.MEMFD_CREATE, Errno.of(file), "make the file of " + name,
          "see sysctl vm.memfd_noexec");
    }
    try {
      MemorySegment content = call.allocateFrom(JAVA_BYTE, elf.toArray());
      long wrote = Syscalls.require("write the file of " + name, Nr.WRITE, file, content.address(), elf.length());
      if (wrote != elf.length()) {
        throw new SyscallException(Nr.WRITE, Errno.ENOSPC, "write the file of " + name);
      }
      MemorySegment path = call.allocateFrom("/proc/self/fd/" + file);
      return Syscalls.require("open the file of " + name, Nr.OPENAT, -100, path.address(), O_CLOEXEC, 0);
    } finally {
      Syscalls.call(Nr.CLOSE, file);
    }
  }

  private static boolean closesOnExec(Fd fd) {
    return (Syscalls.call(Nr.FCNTL, fd.value(), F_GETFD, 0) & FD_CLOEXEC) != 0;
  }

  /// A parent that ignores SIGCHLD has its children reaped by the kernel, traced or not, and can never wait for them
  /// (kernel/signal.c, `do_notify_parent()`); whoever started us may have ignored it.
  private static void keepExitStatuses(Arena call) throws SyscallException {
    MemorySegment action = call.allocate(32, 8);
    Syscalls.require("read the action of SIGCHLD", Nr.RT_SIGACTION, SIGCHLD, 0, action.address(), 8);
    if (action.get(JAVA_LONG, 0) == SIG_IGN) {
      action.fill((byte) 0);
      Syscalls.require("stop ignoring SIGCHLD", Nr.RT_SIGACTION, SIGCHLD, action.address(), 0, 8);
    }
  }
}
