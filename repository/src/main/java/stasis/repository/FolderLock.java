package stasis.repository;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/// The right to write into one folder, held by at most one living process. It dies with its process, so whoever holds
/// it knows that every unfinished file in the folder is a dead writer's.
///
/// A POSIX lock (fcntl(2), "Advisory record locking") on a file of its own: such a lock is lost when its process closes
/// *any* descriptor of the file, so the partial statefile, which is read back before commit, cannot carry it.
final class FolderLock implements AutoCloseable {
  static final String NAME = ".statefile.lock";
  private static final int ATTEMPTS = 100;

  private final Path path;
  private final FileChannel channel;

  private FolderLock(Path path, FileChannel channel) {
    this.path = path;
    this.channel = channel;
  }

  static FolderLock take(Path folder) throws ImageException {
    Path path = folder.resolve(NAME);
    try {
      synchronized (FolderLock.class) {
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
          if (heldHere(path)) {
            throw busy(folder);
          }
          FileChannel channel = FileChannel.open(path, Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE,
              LinkOption.NOFOLLOW_LINKS), PosixFilePermissions.asFileAttribute(
              PosixFilePermissions.fromString("rw-------")));
          if (!lock(channel)) {
            channel.close();
            throw busy(folder);
          }
          if (channel.size() == 0) {
            return new FolderLock(path, channel);
          }
          channel.close(); // its last holder deleted it between our open and our lock
        }
      }
      throw busy(folder);
    } catch (IOException e) {
      throw Faults.of(e, "cannot lock the folder to write an image", folder);
    }
  }

  private static ImageException busy(Path folder) {
    return new ImageException(ImageException.Reason.OCCUPIED, "another checkpoint is being written to " + folder,
        "wait for it, or choose another folder");
  }

  private static boolean lock(FileChannel channel) throws IOException {
    try {
      FileLock lock = channel.tryLock();
      return lock != null;
    } catch (OverlappingFileLockException e) {
      return false;
    }
  }

  /// Whether this JVM has the lock file open: then it must not be opened a second time, because closing the second
  /// descriptor would drop the lock of the first.
  private static boolean heldHere(Path path) throws IOException {
    if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
      return false;
    }
    Object key = Files.readAttributes(path, BasicFileAttributes.class,
        LinkOption.NOFOLLOW_LINKS).fileKey();
    try (DirectoryStream<Path> open = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
      for (Path fd : open) {
        if (key.equals(fileKey(fd))) {
          return true;
        }
      }
    }
    return false;
  }

  /// @return empty text for an fd that was closed meanwhile, the stream's own among them
  private static Object fileKey(Path fd) {
    try {
      return Files.readAttributes(fd, BasicFileAttributes.class).fileKey();
    } catch (IOException e) {
      return "";
    }
  }

  /// Deletes the file, marks its inode for whoever opened it meanwhile, and lets go of it.
  @Override
  public void close() throws IOException {
    try (channel) {
      Files.deleteIfExists(path);
      channel.write(ByteBuffer.wrap(new byte[] {1}));
    }
  }
}
