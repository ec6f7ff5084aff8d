package stasis.repository;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import java.util.Set;

/// Every change of a repository on its device, one method each: whoever watches can make each of them fail. May be used
/// by several threads.
final class Disk {
  private static final FileAttribute<Set<PosixFilePermission>> FILE_MODE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
  /// What holds the memory of programs is as private as they are.
  static final FileAttribute<Set<PosixFilePermission>> FOLDER_MODE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

  private final Watch watch;

  /// Told of each change before it is made.
  @FunctionalInterface
  interface Watch {
    /// @throws IOException to make the change fail
    void before(String change) throws IOException;
  }

  Disk(Watch watch) {
    this.watch = watch;
  }

  /// Makes a file of this content and brings it to the device.
  void file(Path path, ByteBuffer content) throws IOException {
    watch.before("create " + path.getFileName());
    try (FileChannel channel = FileChannel.open(path, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE,
        LinkOption.NOFOLLOW_LINKS), FILE_MODE)) {
      watch.before("write " + path.getFileName());
      write(channel, content);
      watch.before("sync " + path.getFileName());
      channel.force(true);
    }
  }

  /// As [#file], past the page cache where that can be.
  ///
  /// @param content aligned, with room behind `lengthBytes` up to the next multiple of 4096
  void largeFile(Path path, MemorySegment content, long lengthBytes) throws IOException {
    watch.before("create " + path.getFileName());
    try (FileChannel channel = FileChannel.open(path, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE,
        LinkOption.NOFOLLOW_LINKS), FILE_MODE)) {
      watch.before("write " + path.getFileName());
      Optional<DirectFile> direct = DirectFile.open(path, true);
      try {
        if (direct.isPresent() && direct.get().write(content.asSlice(0, Layout.aligned(lengthBytes)), 0)) {
          watch.before("truncate " + path.getFileName());
          channel.truncate(lengthBytes);
        } else {
          write(channel, content.asSlice(0, lengthBytes).asByteBuffer());
        }
      } finally {
        direct.ifPresent(DirectFile::close);
      }
      watch.before("sync " + path.getFileName());
      channel.force(true);
    }
  }

  private static void write(FileChannel channel, ByteBuffer content) throws IOException {
    while (content.hasRemaining()) {
      channel.write(content);
    }
  }

  void folder(Path path) throws IOException {
    if (!Files.isDirectory(path)) {
      watch.before("mkdir " + path.getFileName());
      Files.createDirectory(path, FOLDER_MODE);
    }
  }

  /// Replaces what has that name.
  void rename(Path from, Path to) throws IOException {
    watch.before("rename " + to.getFileName());
    Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
  }

  /// @throws java.nio.file.FileAlreadyExistsException when the name is taken
  void link(Path from, Path to) throws IOException {
    watch.before("link " + to.getFileName());
    Files.createLink(to, from);
  }

  void delete(Path path) throws IOException {
    watch.before("delete " + path.getFileName());
    Files.deleteIfExists(path);
  }

  /// What was named or deleted in a folder, brought to the device.
  void sync(Path folder) throws IOException {
    watch.before("sync " + folder.getFileName());
    ImageStore.sync(folder);
  }
}
