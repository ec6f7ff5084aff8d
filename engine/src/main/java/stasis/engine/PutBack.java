package stasis.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.linux.abi.SyscallException;
import stasis.linux.sys.Self;
import stasis.linux.sys.Syscalls;
import stasis.repository.ImageException;
import stasis.resource.ObstructedException;

/// Puts files of an image back on the host. Each appears whole, under its name or in exchange for what has it, in one
/// step: that stays beside it as `NAME.stasis-newer-N`. Taken back when this is closed before [#keep].
final class PutBack implements AutoCloseable {
  private static final int O_NOFOLLOW = 0x20000;
  private static final int O_PATH = 0x200000;
  private static final int O_CREAT = 0100;
  private static final int O_EXCL = 0200;
  private static final int O_TMPFILE = 020200000;
  private static final int OWNER_ONLY = 0600;
  private static final int AT_SYMLINK_FOLLOW = 0x400;
  private static final int RENAME_NOREPLACE = 1;
  private static final int RENAME_EXCHANGE = 2;
  private static final int MOST_NAMES = 10_000;
  private static final long NS_PER_S = 1_000_000_000L;

  private final EmbeddedFiles files;
  private final Folders folders = new Folders();
  private final List<Placed> placed = new ArrayList<>();
  private final List<String> told = new ArrayList<>();
  private boolean kept;

  /// A new file. @param temporary its name meanwhile; none where the file system makes files without one
  private record Fresh(long fd, Optional<String> temporary) {}

  /// What has a name now. @param newer where what had it is
  private record Placed(long folder, String name, FileFacts facts, Optional<String> newer) {}

  PutBack(EmbeddedFiles files) {
    this.files = files;
  }

  /// @param listener hears of each before it is put back; what it throws takes all back
  void run(List<EmbeddedFiles.Difference> differences, Moment.Listener listener)
      throws SyscallException, ImageException, ObstructedException {
    for (EmbeddedFiles.Difference one : differences) {
      listener.at(new Moment.At("files.put-back"));
      put(one);
    }
  }

  private void put(EmbeddedFiles.Difference one) throws SyscallException, ImageException, ObstructedException {
    EmbeddedFile file = one.entry().file();
    long folder = folders.of(file);
    String name = file.names().getLast();
    Optional<Link> link = link(one.entry());
    Fresh fresh = link.isPresent() ? new Fresh(link.get().fd(), Optional.empty()) : fresh(one.entry(), folder);
    try {
      FileFacts facts = FileFacts.of(fresh.fd(), file.subject());
      if (one.isMissing()) {
        give(fresh, folder, name, file);
        placed.add(new Placed(folder, name, facts, Optional.empty()));
        told.add(file.path() + " was put back");
      } else {
        exchange(fresh, folder, name, facts, file);
      }
      Folders.sync(folder);
    } finally {
      Syscalls.call(Nr.CLOSE, fresh.fd());
    }
  }

  /// The file that this one is another name of. @param fd of it
  private record Link(long fd) {}

  /// Empty for a file of its own, and where the other name lies on another file system.
  private Optional<Link> link(EmbeddedFiles.Entry entry) throws SyscallException, ObstructedException {
    if (entry.file().linkedTo().isEmpty()) {
      return Optional.empty();
    }
    EmbeddedFile first = files.entry(entry.file().linkedTo().get()).file();
    try (Arena arena = Arena.ofConfined()) {
      long fd = Syscalls.require("open " + first.subject(), Nr.OPENAT, folders.of(first),
          Folders.text(arena, first.names().getLast()).address(), O_PATH | O_NOFOLLOW | Open.O_CLOEXEC);
      if (FileFacts.of(fd, first.subject()).device() == FileFacts.of(folders.of(entry.file()), "").device()) {
        return Optional.of(new Link(fd));
      }
      Syscalls.call(Nr.CLOSE, fd);
      told.add(entry.file().path() + " was another name of " + first.path() + " and is a file of its own now: they lie"
          + " on two file systems");
      return Optional.empty();
    }
  }

  private Fresh fresh(EmbeddedFiles.Entry entry, long folder)
      throws SyscallException, ImageException {
    Fresh fresh = unnamed(folder, entry.file());
    boolean whole = false;
    try {
      fill(fresh.fd(), entry);
      whole = true;
      return fresh;
    } finally {
      if (!whole) {
        discard(fresh, folder);
      }
    }
  }

  private static void discard(Fresh fresh, long folder) {
    Syscalls.call(Nr.CLOSE, fresh.fd());
    fresh.temporary().ifPresent(name -> unlink(folder, name));
  }

  private static Fresh unnamed(long folder, EmbeddedFile file) throws SyscallException {
    try (Arena arena = Arena.ofConfined()) {
      long fd = Syscalls.call(Nr.OPENAT, folder, arena.allocateFrom(".").address(),
          O_TMPFILE | Open.O_RDWR | Open.O_CLOEXEC, OWNER_ONLY);
      if (!Errno.isError(fd)) {
        return new Fresh(fd, Optional.empty());
      }
      if (fd != -Errno.EOPNOTSUPP.number() && fd != -Errno.EISDIR.number()) {
        throw new SyscallException(Nr.OPENAT, Errno.of(fd), "put " + file.subject() + " back");
      }
      String name = ".stasis-" + Self.pid() + "-" + file.names().getLast();
      return new Fresh(Syscalls.require("put " + file.subject() + " back", Nr.OPENAT, folder,
          Folders.text(arena, name).address(), O_CREAT | O_EXCL | O_NOFOLLOW | Open.O_RDWR | Open.O_CLOEXEC,
          OWNER_ONLY), Optional.of(name));
    }
  }

  /// Contents, owner, attributes, mode, times: each may undo what would come before it.
  private void fill(long fd, EmbeddedFiles.Entry entry) throws SyscallException, ImageException {
    EmbeddedFile file = entry.file();
    String subject = file.subject();
    try (Arena arena = Arena.ofConfined()) {
      files.contents().<SyscallException>each(entry.body(), 0, file.sizeBytes(), (offset, bytes) -> {
        for (long done = 0; done < bytes.byteSize();) {
          done += Syscalls.require("write " + subject, Nr.PWRITE64, fd, bytes.address() + done,
              bytes.byteSize() - done, offset + done);
        }
      });
      Syscalls.require("size of " + subject, Nr.FTRUNCATE, fd, file.sizeBytes());
      if (HostFiles.checksum(fd, 0, file.sizeBytes()).filter(sum -> sum == file.checksum()).isEmpty()) {
        throw new ImageException(ImageException.Reason.DAMAGED, "the image's copy of " + file.path()
            + " is not what was embedded", "");
      }
      Syscalls.require("owner of " + subject, Nr.FCHOWN, fd, file.uid(), file.gid());
      FileAttributes.give(fd, file.attributes(), subject);
      Syscalls.require("mode of " + subject, Nr.FCHMOD, fd, file.mode());
      MemorySegment times = arena.allocate(4L * Long.BYTES, Long.BYTES);
      time(times, 0, file.accessedNs());
      time(times, 2, file.modifiedNs());
      Syscalls.require("times of " + subject, Nr.UTIMENSAT, fd, 0, times.address(), 0);
      Syscalls.require("bring " + subject + " to the device", Nr.FSYNC, fd);
    }
  }

  private static void time(MemorySegment times, long index, long ns) {
    times.setAtIndex(ValueLayout.JAVA_LONG, index, Math.floorDiv(ns, NS_PER_S));
    times.setAtIndex(ValueLayout.JAVA_LONG, index + 1, Math.floorMod(ns, NS_PER_S));
  }

  /// Names a new file. @throws SyscallException with EEXIST where the name is taken by now
  private static void give(Fresh fresh, long folder, String name, EmbeddedFile file) throws SyscallException {
    long given = tryGive(fresh, folder, name);
    if (Errno.isError(given)) {
      fresh.temporary().ifPresent(temporary -> unlink(folder, temporary));
      throw new SyscallException(Nr.LINKAT, Errno.of(given), "name " + file.subject() + " as " + name);
    }
  }

  private static long tryGive(Fresh fresh, long folder, String name) {
    try (Arena arena = Arena.ofConfined()) {
      long text = Folders.text(arena, name).address();
      return fresh.temporary().isPresent()
          ? Syscalls.call(Nr.RENAMEAT2, folder, Folders.text(arena, fresh.temporary().get()).address(), folder, text,
              RENAME_NOREPLACE)
          : Syscalls.call(Nr.LINKAT, Open.AT_FDCWD, arena.allocateFrom("/proc/self/fd/" + fresh.fd()).address(),
              folder, text, AT_SYMLINK_FOLLOW);
    }
  }

  /// In one step the new file has the name, and what had it the other one: whatever it is by then, it is not lost.
  private void exchange(Fresh fresh, long folder, String name, FileFacts facts, EmbeddedFile file)
      throws SyscallException {
    String beside = beside(fresh, folder, name, file);
    long exchanged = exchange(folder, beside, name);
    if (Errno.isError(exchanged)) {
      unlink(folder, beside);
      throw new SyscallException(Nr.RENAMEAT2, Errno.of(exchanged), "exchange " + file.subject()
          + " for the embedded one", "put it back yourself");
    }
    placed.add(new Placed(folder, name, facts, Optional.of(beside)));
    Optional<FileFacts> newer = facts(folder, beside);
    told.add(file.path() + " was rolled back; what was there is " + beside + " beside it" + newer
        .filter(one -> one.links() > 1).map(one -> ", which has other names").orElse(""));
  }

  /// The first name that is free.
  private static String beside(Fresh fresh, long folder, String name, EmbeddedFile file) throws SyscallException {
    for (int i = 1; i < MOST_NAMES; i++) {
      String beside = name + ".stasis-newer-" + i;
      long given = tryGive(fresh, folder, beside);
      if (!Errno.isError(given)) {
        return beside;
      }
      if (given != -Errno.EEXIST.number()) {
        fresh.temporary().ifPresent(temporary -> unlink(folder, temporary));
        throw new SyscallException(Nr.LINKAT, Errno.of(given), "name the newer " + file.subject() + " " + beside);
      }
    }
    throw new SyscallException(Nr.LINKAT, Errno.EEXIST, "find a name for the newer " + file.subject());
  }

  private static long exchange(long folder, String one, String other) {
    try (Arena arena = Arena.ofConfined()) {
      return Syscalls.call(Nr.RENAMEAT2, folder, Folders.text(arena, one).address(), folder,
          Folders.text(arena, other).address(), RENAME_EXCHANGE);
    }
  }

  private static void unlink(long folder, String name) {
    try (Arena arena = Arena.ofConfined()) {
      Syscalls.call(Nr.UNLINKAT, folder, Folders.text(arena, name).address(), 0);
    }
  }

  private static Optional<FileFacts> facts(long folder, String name) {
    try (Arena arena = Arena.ofConfined()) {
      long fd = Syscalls.call(Nr.OPENAT, folder, Folders.text(arena, name).address(),
          O_PATH | O_NOFOLLOW | Open.O_CLOEXEC);
      if (Errno.isError(fd)) {
        return Optional.empty();
      }
      try {
        return Optional.of(FileFacts.of(fd, name));
      } catch (SyscallException e) {
        return Optional.empty();
      } finally {
        Syscalls.call(Nr.CLOSE, fd);
      }
    }
  }

  /// What was done, for people.
  List<String> told() {
    return List.copyOf(told);
  }

  /// From here on the program may have written to them: they stay.
  void keep() {
    kept = true;
  }

  @Override
  public void close() {
    try (folders) {
      if (!kept) {
        placed.reversed().forEach(PutBack::undo);
        folders.undo();
      }
    }
  }

  /// Only what is still the file that was put there.
  private static void undo(Placed one) {
    if (facts(one.folder(), one.name()).filter(one.facts()::isSameFile).isEmpty()) {
      return;
    }
    if (one.newer().isEmpty()) {
      unlink(one.folder(), one.name());
    } else if (!Errno.isError(exchange(one.folder(), one.newer().get(), one.name()))) {
      unlink(one.folder(), one.newer().get());
    }
    Folders.sync(one.folder());
  }
}
