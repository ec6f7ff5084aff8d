package stasis.repository;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;

/// Who is at work in a repository: flock(2) on its file `lock`, shared by all who read or add, exclusive for who
/// removes. Belongs to the open file, so that several of one process do not get in each other's way.
final class RepositoryLock implements AutoCloseable {
  static final String NAME = "lock";
  private static final int AT_FDCWD = -100;
  private static final int O_CLOEXEC = 0x80000;
  private static final int LOCK_SH = 1;
  private static final int LOCK_EX = 2;
  private static final int LOCK_NB = 4;
  private static final int ATTEMPTS = 200;
  private static final int PAUSE_MS = 10;

  private final Path root;
  private final long fd;

  private RepositoryLock(Path root, long fd) {
    this.root = root;
    this.fd = fd;
  }

  private static RepositoryLock open(Path root) throws ImageException {
    try (Arena arena = Arena.ofConfined()) {
      long fd = Syscalls.call(Nr.OPENAT, AT_FDCWD,
          arena.allocateFrom(root.resolve(NAME).toAbsolutePath().toString()).address(), O_CLOEXEC);
      if (Errno.isError(fd)) {
        throw new ImageException(ImageException.Reason.NO_ACCESS, "the lock of the repository " + root
            + " cannot be opened: " + Errno.of(fd).meaning(), "use a repository that this user may use");
      }
      return new RepositoryLock(root, fd);
    }
  }

  /// For reading and adding.
  static RepositoryLock shared(Path root) throws ImageException {
    return taken(root, LOCK_SH, "is being pruned");
  }

  /// For removing.
  static RepositoryLock exclusive(Path root) throws ImageException {
    return taken(root, LOCK_EX, "is being written to or read from");
  }

  private static RepositoryLock taken(Path root, int how, String otherwise) throws ImageException {
    RepositoryLock lock = open(root);
    if (!lock.takeSoon(how)) {
      lock.close();
      throw new ImageException(ImageException.Reason.OCCUPIED, "the repository " + root + " " + otherwise,
          "try again when that has ended");
    }
    return lock;
  }

  /// Whether nobody else is at work: then it is exclusive for as long as the action lasts.
  boolean alone(Action action) throws ImageException {
    if (!take(LOCK_EX)) {
      // flock(2): the shared lock may be gone by a conversion that fails.
      share();
      return false;
    }
    try {
      action.run();
    } finally {
      share();
    }
    return true;
  }

  private void share() throws ImageException {
    if (!takeSoon(LOCK_SH)) {
      throw new ImageException(ImageException.Reason.OCCUPIED, "the repository " + root + " is being pruned",
          "try again when that has ended");
    }
  }

  /// Waits a little: whoever begins to write looks for leftovers first, and is alone for that.
  private boolean takeSoon(int how) throws ImageException {
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (take(how)) {
        return true;
      }
      try {
        Thread.sleep(PAUSE_MS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new ImageException(ImageException.Reason.CANCELLED, "waiting for the repository " + root
            + " was cancelled", "run it again", e);
      }
    }
    return false;
  }

  private boolean take(int how) {
    return Syscalls.call(Nr.FLOCK, fd, how | LOCK_NB) == 0;
  }

  /// What is done alone.
  @FunctionalInterface
  interface Action {
    void run() throws ImageException;
  }

  @Override
  public void close() {
    Syscalls.call(Nr.CLOSE, fd);
  }
}
