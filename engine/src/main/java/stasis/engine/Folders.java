package stasis.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.linux.abi.SyscallException;
import stasis.linux.sys.Syscalls;
import stasis.resource.ObstructedException;

/// Folders on the way to files, opened from the root down, one name at a time and through no symbolic link
/// (openat2(2)): nobody who may write to one of them can lead us elsewhere. Made where they are not there.
final class Folders implements AutoCloseable {
  private static final int O_PATH = 0x200000;
  private static final int O_DIRECTORY = 0x10000;
  private static final int O_NOFOLLOW = 0x20000;
  private static final int AT_SYMLINK_NOFOLLOW = 0x100;
  private static final int AT_REMOVEDIR = 0x200;
  /// RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, RESOLVE_BENEATH of uapi/linux/openat2.h.
  private static final long RESOLVE = 0x02 | 0x04 | 0x08;
  private static final int HOW_BYTES = 24;
  private static final int MEANWHILE_MODE = 0700;

  /// One that was not there.
  private record Made(long parent, String name) {}

  private final Map<List<String>, Long> open = new HashMap<>();
  private final List<Made> made = new ArrayList<>();

  /// The folder a file is in. @return an fd for other calls to start from; closed with this
  long of(EmbeddedFile file) throws SyscallException, ObstructedException {
    List<String> names = file.names();
    for (int depth = 0; depth < names.size(); depth++) {
      List<String> path = names.subList(0, depth);
      if (!open.containsKey(path)) {
        open.put(List.copyOf(path), depth == 0 ? root() : child(file, depth));
      }
    }
    return GroupPlan.require(open, names.subList(0, names.size() - 1));
  }

  private static long root() throws SyscallException {
    try (Arena arena = Arena.ofConfined()) {
      return Syscalls.require("open /", Nr.OPENAT, Open.AT_FDCWD, arena.allocateFrom("/").address(),
          O_PATH | O_DIRECTORY | Open.O_CLOEXEC);
    }
  }

  private long child(EmbeddedFile file, int depth) throws SyscallException, ObstructedException {
    long parent = GroupPlan.require(open, file.names().subList(0, depth - 1));
    String name = file.names().get(depth - 1);
    String told = "/" + String.join("/", file.names().subList(0, depth));
    long fd = enter(parent, name);
    if (fd == -Errno.ENOENT.number()) {
      make(parent, name, told, file.directories().get(depth - 1));
      fd = enter(parent, name);
    }
    if (fd == -Errno.ELOOP.number() || fd == -Errno.ENOTDIR.number()) {
      throw new ObstructedException(file.subject(), told + " is a symbolic link here, or no folder: it is not put back"
          + " through one", "put the file back yourself");
    }
    if (Errno.isError(fd)) {
      throw new SyscallException(Nr.OPENAT2, Errno.of(fd), "open folder " + told);
    }
    return fd;
  }

  private static long enter(long parent, String name) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment how = arena.allocate(HOW_BYTES, Long.BYTES);
      how.set(ValueLayout.JAVA_LONG, 0, O_PATH | O_DIRECTORY | O_NOFOLLOW | Open.O_CLOEXEC);
      how.set(ValueLayout.JAVA_LONG, 16, RESOLVE);
      return Syscalls.call(Nr.OPENAT2, parent, text(arena, name).address(), how.address(), HOW_BYTES);
    }
  }

  private void make(long parent, String name, String told, EmbeddedFile.Directory as) throws SyscallException {
    try (Arena arena = Arena.ofConfined()) {
      long text = text(arena, name).address();
      Syscalls.require("make folder " + told, Nr.MKDIRAT, parent, text, MEANWHILE_MODE);
      made.add(new Made(parent, name));
      Syscalls.require("owner of folder " + told, Nr.FCHOWNAT, parent, text, as.uid(), as.gid(), AT_SYMLINK_NOFOLLOW);
      Syscalls.require("mode of folder " + told, Nr.FCHMODAT, parent, text, as.mode());
      sync(parent);
    }
  }

  static MemorySegment text(Arena arena, String name) {
    return arena.allocateFrom(name, StandardCharsets.ISO_8859_1);
  }

  /// What was named in a folder, brought to the device; nothing where it may not be read.
  static void sync(long folder) {
    try (Arena arena = Arena.ofConfined()) {
      long fd = Syscalls.call(Nr.OPENAT, folder, arena.allocateFrom(".").address(), O_DIRECTORY | Open.O_CLOEXEC);
      if (!Errno.isError(fd)) {
        Syscalls.call(Nr.FSYNC, fd);
        Syscalls.call(Nr.CLOSE, fd);
      }
    }
  }

  /// Takes those away that were made, as far as nobody put anything into them.
  void undo() {
    for (Made one : made.reversed()) {
      try (Arena arena = Arena.ofConfined()) {
        Syscalls.call(Nr.UNLINKAT, one.parent(), text(arena, one.name()).address(), AT_REMOVEDIR);
      }
    }
    made.clear();
  }

  @Override
  public void close() {
    open.values().forEach(fd -> Syscalls.call(Nr.CLOSE, fd));
    open.clear();
  }
}
