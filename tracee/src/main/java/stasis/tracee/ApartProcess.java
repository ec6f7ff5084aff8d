package stasis.tracee;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;

/// A process in throw-away pid, mount, network and IPC namespaces: the first of its pid namespace, so that its end is
/// the end of everything in there. Its mounts follow the host's and never lead back. Who has no CAP_SYS_ADMIN has a user
/// namespace around it, with its own uid and gid and nobody else's, and all capabilities in there.
///
/// A thread of its own enters the namespaces and bears it; the JVM stays where it is. The namespaces go with the two.
public final class ApartProcess implements AutoCloseable {
  private static final long CLONE_FS = 0x200;
  private static final long CLONE_NEWNS = 0x20000;
  private static final long CLONE_NEWIPC = 0x08000000;
  private static final long CLONE_NEWPID = 0x20000000;
  private static final long CLONE_NEWNET = 0x40000000;
  private static final long MS_REC_SLAVE = 0x4000 | (1 << 19);
  /// By unshare(1), for a JVM, whose threads share all they have, may not enter a user namespace (unshare(2), EINVAL).
  private static final List<String> ORDINARY = List.of("/usr/bin/unshare", "--user", "--map-current-user",
      "--keep-caps", "--mount", "--propagation", "slave", "--net", "--ipc", "--pid", "--fork", "--kill-child", "--");
  private static final int CLOSE_RANGE_UNSHARE_CLOEXEC = 2 | 4;
  private static final int F_DUPFD_CLOEXEC = 1030;
  private static final int ABOVE = 64;
  private static final int STDIO = 3;
  private static final int O_RDWR = 2;
  private static final int AT_FDCWD = -100;
  private static final int WNOHANG = 1;
  private static final int SIGKILL = 9;
  private static final long LOOK_EVERY_NS = 2_000_000;

  private final List<String> command;
  private final Fd log;
  private final List<Fd> handed;
  private final CompletableFuture<Tid> born = new CompletableFuture<>();
  private final CompletableFuture<Integer> ended = new CompletableFuture<>();

  private ApartProcess(List<String> command, Fd log, List<Fd> handed) {
    this.command = List.copyOf(command);
    this.log = log;
    this.handed = List.copyOf(handed);
  }

  /// @param command the executable's path, and its arguments @param log its standard error; input and output are
  ///     /dev/null
  /// @param handed what it has open from 3 on; nothing else
  public static ApartProcess start(List<String> command, Fd log, List<Fd> handed) throws SyscallException {
    var process = new ApartProcess(command, log, handed);
    Thread.ofPlatform().name("stasis-apart").daemon(true).start(process::live);
    try {
      process.born.join();
      return process;
    } catch (java.util.concurrent.CompletionException e) {
      if (e.getCause() instanceof SyscallException refused) {
        throw refused;
      }
      throw e;
    }
  }

  /// How it ended, as wait(2) has it; empty when it has not by then.
  public Optional<Integer> await(Deadline deadline) {
    while (!ended.isDone() && !deadline.passed()) {
      LockSupport.parkNanos(LOOK_EVERY_NS);
    }
    return ended.isDone() ? Optional.of(ended.join()) : Optional.empty();
  }

  /// Kills it, and everything in its namespaces, and waits until it is gone.
  @Override
  public void close() {
    if (!ended.isDone()) {
      Syscalls.call(Nr.KILL, born.join().value(), SIGKILL);
      ended.join();
    }
  }

  /// The thread: the parent, without which the process would be told of its death.
  private void live() {
    Tid child;
    try {
      child = bear();
    } catch (SyscallException e) {
      born.completeExceptionally(e);
      return;
    }
    born.complete(child);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment status = arena.allocate(JAVA_INT);
      while (true) {
        long got = Syscalls.call(Nr.WAIT4, child.value(), status.address(), WNOHANG, 0);
        if (got == child.value() || Errno.isError(got) && got != -Errno.EINTR.number()) {
          ended.complete(got == child.value() ? status.get(JAVA_INT, 0) : SIGKILL);
          return;
        }
        LockSupport.parkNanos(LOOK_EVERY_NS);
      }
    }
  }

  private Tid bear() throws SyscallException {
    // From here on this thread has a table of descriptors of its own, of which a child inherits nothing.
    Syscalls.require("take a table of files apart", Nr.CLOSE_RANGE, STDIO, 0xffffffffL, CLOSE_RANGE_UNSHARE_CLOEXEC);
    try (Arena arena = Arena.ofConfined()) {
      place(arena);
      long unshared = Syscalls.call(Nr.UNSHARE,
          CLONE_FS | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC);
      if (unshared == -Errno.EPERM.number()) {
        return spawn(Stream.concat(ORDINARY.stream(), command.stream()).toList(), arena);
      }
      if (Errno.isError(unshared)) {
        throw new SyscallException(Nr.UNSHARE, Errno.of(unshared), "make throw-away namespaces");
      }
      Syscalls.require("keep mounts to ourselves", Nr.MOUNT, arena.allocateFrom("none").address(),
          arena.allocateFrom("/").address(), 0, MS_REC_SLAVE, 0);
      return spawn(command, arena);
    } finally {
      Syscalls.call(Nr.CLOSE_RANGE, STDIO, 0xffffffffL, 0);
    }
  }

  private static Tid spawn(List<String> line, Arena arena) throws SyscallException {
    MemorySegment argv = arena.allocate(ADDRESS, line.size() + 1L);
    for (int i = 0; i < line.size(); i++) {
      argv.setAtIndex(ADDRESS, i, arena.allocateFrom(line.get(i)));
    }
    long pid = Syscalls.spawn(arena.allocateFrom(line.getFirst()), argv, arena.allocate(ADDRESS, 1));
    if (Errno.isError(pid)) {
      throw new SyscallException(Nr.EXECVE, Errno.of(pid), "start " + line.getFirst(),
          "without CAP_SYS_ADMIN, /usr/bin/unshare of util-linux makes the throw-away namespaces");
    }
    return new Tid(Math.toIntExact(pid));
  }

  private void place(Arena arena) throws SyscallException {
    var lifted = new ArrayList<Long>();
    for (Fd fd : handed) {
      lifted.add(lift(fd.value()));
    }
    long error = lift(log.value());
    long none = Syscalls.require("open /dev/null", Nr.OPENAT, AT_FDCWD, arena.allocateFrom("/dev/null").address(),
        O_RDWR);
    long nothing = lift(none);
    put(nothing, 0);
    put(nothing, 1);
    put(error, 2);
    for (int i = 0; i < lifted.size(); i++) {
      put(lifted.get(i), STDIO + i);
    }
    // The descriptor behind `none` may lie above those that were handed on.
    if (none >= STDIO + lifted.size()) {
      Syscalls.call(Nr.CLOSE, none);
    }
  }

  private static long lift(long fd) throws SyscallException {
    return Syscalls.require("keep a descriptor", Nr.FCNTL, fd, F_DUPFD_CLOEXEC, ABOVE);
  }

  private static void put(long fd, int at) throws SyscallException {
    Syscalls.require("hand on a descriptor", Nr.DUP3, fd, at, 0);
  }
}
