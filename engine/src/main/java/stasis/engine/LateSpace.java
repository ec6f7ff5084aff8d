package stasis.engine;

import java.util.List;
import java.util.Optional;
import stasis.engine.MissingPages.Piece;
import stasis.image.ObjectId;
import stasis.linux.abi.Errno;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.UffdMessage;
import stasis.linux.sys.Userfault;

/// One mm of a running program that does not have all its pages yet. Messages are read, and what follows from them is
/// noted, while nobody puts pages in ([PageServer] has the lock): so no page is put where it does not belong any more.
final class LateSpace {
  private static final long PAGE = 4096;
  /// Within the addresses of every program, and above vm.mmap_min_addr.
  private static final RemoteAddress ANYWHERE = new RemoteAddress(1L << 30);

  private final Optional<ObjectId> mm;
  private final Userfault uffd;
  private final MissingPages missing;
  private boolean gone;
  private boolean changing;

  /// How a try to put pages in ended.
  enum Put {
    /// All of it is there.
    DONE,
    /// The memory is changing: read messages, then try again.
    CHANGING,
    /// It is not missing there any more: look anew.
    STALE,
    /// The mm is no more.
    GONE
  }

  /// @param mm of the image; empty of a process that was born since
  LateSpace(Optional<ObjectId> mm, Userfault uffd, MissingPages missing) {
    this.mm = mm;
    this.uffd = uffd;
    this.missing = missing;
  }

  Optional<ObjectId> mm() {
    return mm;
  }

  Userfault uffd() {
    return uffd;
  }

  MissingPages missing() {
    return missing;
  }

  synchronized boolean isGone() {
    return gone;
  }

  /// Asks the kernel whether anybody still has this memory. Nothing is registered for write protection, so there is
  /// nothing that could change.
  boolean lookWhetherGone() {
    if (!isGone()) {
      long answer = uffd.writeProtect(ANYWHERE, PAGE, 0);
      if (answer == -Errno.ESRCH.number()) {
        setGone();
      }
      noteChanging(answer == -Errno.EAGAIN.number());
    }
    return isGone();
  }

  private synchronized void noteChanging(boolean is) {
    changing = is;
  }

  /// Whether the kernel said so when it was asked last, before it looked whether anybody has this memory. For good, where
  /// an mremap(2) has failed in the middle (fs/userfaultfd.c, mremap_userfaultfd_fail(), before May 2026).
  synchronized boolean isChanging() {
    return changing;
  }

  private synchronized void setGone() {
    gone = true;
    missing.clear();
  }

  /// Follows what the program did. @return spaces of children born meanwhile
  Optional<LateSpace> follow(UffdMessage message) {
    switch (message) {
      case UffdMessage.Fault _ -> { }
      case UffdMessage.Fork(var child) -> {
        return Optional.of(new LateSpace(Optional.empty(), new Userfault(child), missing.copy()));
      }
      case UffdMessage.Remap(var from, var to, long lengthBytes) ->
          missing.move(from.bits(), to.bits(), lengthBytes);
      case UffdMessage.Remove(var start, var end) -> missing.remove(start.bits(), end.bits());
      case UffdMessage.Unmap(var start, var end) -> missing.remove(start.bits(), end.bits());
    }
    return Optional.empty();
  }

  /// Puts in what belongs there. @param from our address of its first byte
  Put put(Piece piece, long from) {
    if (isGone() || !missing.has(piece)) {
      return isGone() ? Put.GONE : Put.STALE;
    }
    long done = 0;
    long step = piece.lengthBytes();
    while (done < piece.lengthBytes()) {
      long lengthBytes = Math.min(step, piece.lengthBytes() - done);
      long moved = uffd.copy(new RemoteAddress(piece.start() + done), from + done, lengthBytes, 0);
      if (moved > 0) {
        done += moved;
        step = piece.lengthBytes();
      } else if (moved == -Errno.EEXIST.number()) {
        done += PAGE;
      } else if (moved == -Errno.ENOENT.number() && lengthBytes > PAGE) {
        // Not within one vma: mprotect(2) and its like have split it since (mm/userfaultfd.c, validate_dst_vma()).
        step = Math.max(PAGE, lengthBytes / 2 & -PAGE);
      } else if (moved == -Errno.ENOENT.number()) {
        done += PAGE;
      } else if (moved == -Errno.ESRCH.number()) {
        setGone();
        return Put.GONE;
      } else if (moved == -Errno.EAGAIN.number() || moved == -Errno.ENOMEM.number()) {
        missing.remove(piece.start(), piece.start() + done);
        return Put.CHANGING;
      } else {
        throw new IllegalStateException("pages at 0x" + Long.toHexString(piece.start() + done) + " cannot be put in: "
            + Errno.of(moved));
      }
    }
    missing.remove(piece.start(), piece.end());
    return Put.DONE;
  }

  /// Answers a fault where nothing is missing: with a page of zeros, or by letting the thread look again.
  Put zero(long page) {
    if (missing.at(page).isPresent()) {
      return Put.STALE;
    }
    long moved = uffd.zero(new RemoteAddress(page), PAGE, 0);
    if (moved == PAGE) {
      return Put.DONE;
    }
    if (moved == -Errno.EAGAIN.number() || moved == -Errno.ENOMEM.number()) {
      return Put.CHANGING;
    }
    if (moved == -Errno.ESRCH.number()) {
      setGone();
      return Put.GONE;
    }
    // There already, or nothing that is ours is mapped there any more.
    uffd.wake(new RemoteAddress(page), PAGE);
    return Put.DONE;
  }

  static long pageOf(RemoteAddress address) {
    return address.bits() & -PAGE;
  }

  /// The first of some spaces that is of an mm of the image.
  static Optional<LateSpace> of(List<LateSpace> spaces, ObjectId mm) {
    return spaces.stream().filter(space -> space.mm().equals(Optional.of(mm))).findFirst();
  }
}
