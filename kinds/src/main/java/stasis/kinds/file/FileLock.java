package stasis.kinds.file;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.image.ObjectId;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.procfs.Locks;
import stasis.resource.Arg;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Script;

/// A lock held through an open file (flock(2), fcntl_locking(2)).
///
/// @param owner the process a POSIX lock belongs to
/// @param exclusive a write lock @param first byte and @param lengthBytes 0 to the end of the file; both 0 for flock
public record FileLock(@Tag(1) Sort sort, @Tag(2) boolean exclusive, @Tag(3) long first, @Tag(4) long lengthBytes,
    @Tag(5) Optional<ObjectId> owner) {
  /// Why a copy beside the program has none.
  public static final String UNPROVABLE = "its locks: the program itself holds them";
  private static final int LOCK_SH = 1;
  private static final int LOCK_EX = 2;
  private static final int LOCK_NB = 4;
  private static final int F_SETLK = 6;
  private static final int F_OFD_SETLK = 37;

  /// Whose it is.
  public enum Sort {
    /// The description's, on the whole file.
    FLOCK,
    /// The task's.
    POSIX,
    /// The description's.
    OFD
  }

  /// Those of `lock:` lines in fdinfo. A wait for a lock is a call of the waiter and no lock.
  public static List<FileLock> of(OpenFile file) throws ObstructedException {
    var locks = new ArrayList<FileLock>();
    for (OpenFile.Holder holder : file.holders()) {
      for (Locks.Lock lock : holder.info().locks()) {
        // A lease is an attribute of the description (fcntl(2), F_SETLEASE).
        if (!lock.blocked() && !lock.kind().equals("LEASE")) {
          long length = lock.last() == Locks.Lock.END ? 0 : lock.last() - lock.first() + 1;
          Sort sort = sort(lock, file);
          locks.add(new FileLock(sort, lock.type().equals("WRITE"), lock.first(), length,
              sort == Sort.POSIX ? Optional.of(holder.process()) : Optional.empty()));
        }
      }
    }
    // Those of the description are shown to every process that has it open.
    return locks.stream().distinct().toList();
  }

  private static Sort sort(Locks.Lock lock, OpenFile file) throws ObstructedException {
    return switch (lock.kind()) {
      case "FLOCK" -> Sort.FLOCK;
      case "POSIX" -> Sort.POSIX;
      case "OFDLCK" -> Sort.OFD;
      default -> throw new ObstructedException(file.subject(), "a lock of kind " + lock.kind() + " cannot be carried",
          "let the program give it up before the checkpoint");
    };
  }

  /// Takes those of the description again, once.
  public static void takeShared(List<FileLock> locks, Fd self, int flags, Script script) {
    locks.stream().filter(lock -> lock.sort != Sort.POSIX).forEach(lock -> lock.take(self, flags, script));
  }

  /// Takes those of the script's own process again: they would go with any fd of the file that it closes.
  public static void takeOwn(List<FileLock> locks, Fd self, int flags, Script script) {
    locks.stream().filter(lock -> lock.owner.filter(script.task()::equals).isPresent())
        .forEach(lock -> lock.take(self, flags, script));
  }

  /// Takes it again; another holder makes the restore fail.
  ///
  /// @param flags the description's: a lock of the task shows at every fd of the file, also where it cannot be set
  private void take(Fd self, int flags, Script script) {
    if (sort == Sort.FLOCK) {
      script.call(Nr.FLOCK, "its lock", Arg.imm(self.value()), Arg.imm((exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB));
    } else if (exclusive ? OpenFlags.isWritable(flags) : OpenFlags.isReadable(flags)) {
      // struct flock: l_type (F_RDLCK 0, F_WRLCK 1), l_whence SEEK_SET, l_start at 8, l_len at 16, l_pid at 24.
      Bytes flock = Bytes.ofU64(exclusive ? 1 : 0, first, lengthBytes, 0);
      script.call(Nr.FCNTL, "its lock", Arg.imm(self.value()), Arg.imm(sort == Sort.OFD ? F_OFD_SETLK : F_SETLK),
          Arg.data(flock));
    }
  }
}
