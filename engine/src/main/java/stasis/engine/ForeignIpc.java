package stasis.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;
import stasis.resource.Answer;
import stasis.resource.Arg;

/// Looks into the IPC namespace of a tree that is in another one than the engine: by a thread that enters it (setns(2)
/// changes the calling thread alone) and ends with the look.
final class ForeignIpc implements AutoCloseable {
  /// Calls that are about the namespace of who makes them, and files that show its own.
  static final Set<Nr> CALLS = Set.of(Nr.SEMCTL, Nr.SEMGET, Nr.SHMCTL, Nr.SHMGET, Nr.MSGCTL, Nr.MSGGET, Nr.MSGRCV,
      Nr.MQ_OPEN, Nr.OPENAT, Nr.READ, Nr.CLOSE);

  private static final long CLONE_NEWIPC = 0x08000000;
  private static final int AT_FDCWD = -100;
  private static final int O_CLOEXEC = 0x80000;
  private static final int FSCONFIG_CMD_CREATE = 6;
  private static final int DIRECTORY_BYTES = 1 << 16;
  private static final int NAME_AT = 19;
  private static final int LENGTH_AT = 16;
  private static final int SHM_RDONLY = 010000;
  private static final long PAGE = 4096;

  private final ExecutorService thread = Executors.newSingleThreadExecutor(Thread.ofPlatform().daemon()
      .name("ipc namespace").factory());
  private final long entered;

  /// @param member somebody who is in it
  ForeignIpc(Tid member) {
    entered = inside(() -> {
      try (Arena arena = Arena.ofConfined()) {
        long namespace = Syscalls.call(Nr.OPENAT, AT_FDCWD,
            arena.allocateFrom("/proc/" + member + "/ns/ipc").address(), O_CLOEXEC);
        if (Errno.isError(namespace)) {
          return namespace;
        }
        long result = Syscalls.call(Nr.SETNS, namespace, CLONE_NEWIPC);
        Syscalls.call(Nr.CLOSE, namespace);
        return result;
      }
    });
  }

  private <T> T inside(Supplier<T> look) {
    return CompletableFuture.supplyAsync(look, thread).join();
  }

  /// Every call fails as entering did.
  Answer call(Nr nr, List<Arg> args) {
    return Errno.isError(entered) ? new Answer(entered, java.util.Map.of())
        : inside(() -> OwnCopy.call(nr, args, Optional.empty()));
  }

  /// The POSIX message queues that have a name, each opened for the caller to close; empty where the file system that
  /// lists them cannot be had.
  Optional<List<Named>> queues() {
    return Errno.isError(entered) ? Optional.empty() : inside(ForeignIpc::listed);
  }

  /// @param fd of the engine, open for reading
  record Named(String name, int fd) {}

  /// A mount that nobody sees.
  private static Optional<List<Named>> listed() {
    try (Arena arena = Arena.ofConfined()) {
      long context = Syscalls.call(Nr.FSOPEN, arena.allocateFrom("mqueue").address(), 1);
      if (Errno.isError(context)) {
        return Optional.empty();
      }
      Syscalls.call(Nr.FSCONFIG, context, FSCONFIG_CMD_CREATE, 0, 0, 0);
      long mount = Syscalls.call(Nr.FSMOUNT, context, 1, 0);
      Syscalls.call(Nr.CLOSE, context);
      if (Errno.isError(mount)) {
        return Optional.empty();
      }
      // What fsmount(2) gives is a place, not an open directory.
      long root = Syscalls.call(Nr.OPENAT, mount, arena.allocateFrom(".").address(), O_CLOEXEC);
      var names = new ArrayList<Named>();
      for (String name : names(root, arena)) {
        long queue = Syscalls.call(Nr.OPENAT, mount, arena.allocateFrom(name, StandardCharsets.ISO_8859_1).address(),
            O_CLOEXEC);
        if (!Errno.isError(queue)) {
          names.add(new Named(name, (int) queue));
        }
      }
      Syscalls.call(Nr.CLOSE, root);
      Syscalls.call(Nr.CLOSE, mount);
      return Optional.of(List.copyOf(names));
    }
  }

  /// struct linux_dirent64 (getdents64(2)).
  private static List<String> names(long directory, Arena arena) {
    var names = new ArrayList<String>();
    MemorySegment buffer = arena.allocate(DIRECTORY_BYTES, Long.BYTES);
    long got = Syscalls.call(Nr.GETDENTS64, directory, buffer.address(), DIRECTORY_BYTES);
    while (got > 0) {
      Bytes entries = Bytes.of(buffer.asSlice(0, got).asByteBuffer());
      for (int at = 0; at < got; at += entries.u16(at + LENGTH_AT)) {
        String name = entries.slice(at + NAME_AT, entries.u16(at + LENGTH_AT) - NAME_AT).latin1();
        if (!name.equals(".") && !name.equals("..")) {
          names.add(name);
        }
      }
      got = Syscalls.call(Nr.GETDENTS64, directory, buffer.address(), DIRECTORY_BYTES);
    }
    return names;
  }

  /// An fd of the engine on the inode of a System V shared memory segment, which is attached for that moment; or
  /// -errno.
  long segment(int id, long sizeBytes) {
    return Errno.isError(entered) ? entered : inside(() -> attached(id, sizeBytes));
  }

  private static long attached(int id, long sizeBytes) {
    long at = Syscalls.call(Nr.SHMAT, id, 0, SHM_RDONLY);
    if (Errno.isError(at)) {
      return at;
    }
    try (Arena arena = Arena.ofConfined()) {
      long end = at + (sizeBytes + PAGE - 1 & -PAGE);
      String path = "/proc/self/map_files/" + Long.toHexString(at) + "-" + Long.toHexString(end);
      return Syscalls.call(Nr.OPENAT, AT_FDCWD, arena.allocateFrom(path).address(), O_CLOEXEC);
    } finally {
      Syscalls.call(Nr.SHMDT, at);
    }
  }

  @Override
  public void close() {
    thread.shutdown();
  }
}
