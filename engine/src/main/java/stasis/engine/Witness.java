package stasis.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.linux.sys.Syscalls;

/// The times of a file of tmpfs, which tell that somebody has written to it by another way than the mappings that are
/// protected: who maps it anew, also by remap_file_pages(2), has its time of access set before (mm/shmem.c,
/// shmem_mmap()), who writes to it by a descriptor that of its change before, who shortens it or makes holes before the
/// inode is unlocked. docs/designs/shared-memory.md.
///
/// @param fd stays open
record Witness(String subject, long fd, BodySource.Access access, Times times) {
  private static final int STATX_BASIC_STATS = 0x7ff;
  private static final int STATX_BYTES = 256;
  private static final int STATFS_BYTES = 120;
  private static final long TMPFS_MAGIC = 0x01021994;
  /// `f_flags` of statfs(2), bytes from its start.
  private static final int STATFS_FLAGS_AT = 80;
  private static final long ST_RDONLY = 0x1;
  private static final long ST_NOATIME = 0x400;
  private static final long ST_RELATIME = 0x1000;
  private static final int F_GETFL = 3;
  private static final int O_NOATIME = 0x40000;
  private static final int SEEK_DATA = 3;
  /// Longer than the tick by which the kernel sets times of access: a later one differs.
  private static final Duration TOLD_APART = Duration.ofMillis(40);
  /// Who used a descriptor so lately is likely to do so while it is copied.
  private static final Duration IN_USE = Duration.ofSeconds(2);

  /// Of statx(2).
  record Times(Instant accessed, Instant modified, Instant changed, long sizeBytes) {
    static Optional<Times> of(long fd) {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment facts = arena.allocate(STATX_BYTES, 8);
        long result = Syscalls.call(Nr.STATX, fd, arena.allocateFrom("").address(), Open.AT_EMPTY_PATH,
            STATX_BASIC_STATS, facts.address());
        // struct statx: stx_size 40, stx_atime 64, stx_ctime 96, stx_mtime 112
        return Errno.isError(result) ? Optional.empty() : Optional.of(new Times(time(facts, 64), time(facts, 112),
            time(facts, 96), facts.get(ValueLayout.JAVA_LONG, 40)));
      }
    }

    private static Instant time(MemorySegment facts, long at) {
      return Instant.ofEpochSecond(facts.get(ValueLayout.JAVA_LONG, at), facts.get(ValueLayout.JAVA_INT, at + 8));
    }
  }

  /// In the freeze.
  ///
  /// @return empty where the times will not tell
  static Optional<Witness> of(BodySource source, Instant now) {
    return source.fd().filter(Witness::notesAll).flatMap(fd -> Times.of(fd).filter(times ->
        source.access() == BodySource.Access.MAPPINGS_OF_THE_TREE ? isBefore(times.accessed(), now, TOLD_APART)
            : isBefore(times.accessed(), now, IN_USE) && isBefore(times.modified(), now, IN_USE)
                && isBefore(times.changed(), now, IN_USE))
        .map(times -> new Witness(source.subject(), fd, source.access(), times)));
  }

  /// For a rehearsal, whose memory is new.
  static Optional<Witness> soon(BodySource source) {
    return source.fd().flatMap(fd -> Times.of(fd).map(times ->
        new Witness(source.subject(), fd, source.access(), times)));
  }

  private static boolean isBefore(Instant time, Instant now, Duration by) {
    return time.plus(by).isBefore(now);
  }

  /// Whether the file system notes each access, and our own reading is none.
  private static boolean notesAll(long fd) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment facts = arena.allocate(STATFS_BYTES, Long.BYTES);
      long flags = Syscalls.call(Nr.FCNTL, fd, F_GETFL);
      return !Errno.isError(flags) && (flags & O_NOATIME) != 0
          && !Errno.isError(Syscalls.call(Nr.FSTATFS, fd, facts.address()))
          && facts.get(ValueLayout.JAVA_LONG, 0) == TMPFS_MAGIC
          && (facts.get(ValueLayout.JAVA_LONG, STATFS_FLAGS_AT) & (ST_RDONLY | ST_NOATIME | ST_RELATIME)) == 0;
    }
  }

  /// Once all is copied: what it was written to by meanwhile, maybe. lseek(2) for data waits for the inode's lock, under
  /// which it is shortened (mm/shmem.c, shmem_file_llseek()).
  Optional<String> objection() {
    Syscalls.call(Nr.LSEEK, fd, 0, SEEK_DATA);
    Optional<Times> now = Times.of(fd);
    if (now.isEmpty()) {
      return Optional.of(subject + " cannot be looked at any more");
    }
    if (!now.get().accessed().equals(times.accessed())) {
      return Optional.of(subject + " was mapped anew, or read by a descriptor, before it was copied");
    }
    if (access == BodySource.Access.DESCRIPTORS && !now.get().equals(times)) {
      return Optional.of(subject + " was written to by a descriptor before it was copied");
    }
    return Optional.empty();
  }
}
