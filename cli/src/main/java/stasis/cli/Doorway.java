package stasis.cli;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Where a resident engine is met: a folder for its owner alone, with a socket, and lines for the launcher, which is a
/// shell script and cannot connect to sockets. docs/designs/serve.md.
///
/// @param folder not a link
record Doorway(Path folder) {
  private static final Set<PosixFilePermission> OWNER_ONLY = PosixFilePermissions.fromString("rwx------");
  private static final String LOCK = "serve.lock";

  /// The launcher looks at the same place: bin/stasis.
  static Doorway of(Map<String, String> environment) {
    Path run = Path.of("/run");
    return new Doorway(Optional.ofNullable(environment.get("STASIS_SERVE_DIRECTORY")).filter(said -> !said.isEmpty())
        .map(said -> Path.of(said).toAbsolutePath().normalize())
        .orElseGet(() -> (Files.isWritable(run) ? run
            : Path.of(environment.getOrDefault("XDG_RUNTIME_DIR", "/nonexistent"))).resolve("stasis")));
  }

  Path socket() {
    return folder.resolve("serve.sock");
  }

  /// What the launcher writes to.
  Path ask(int line) {
    return folder.resolve(line + ".ask");
  }

  /// What the launcher reads from; the line can be taken as soon as it is there.
  Path say(int line) {
    return folder.resolve(line + ".say");
  }

  /// Made by the launcher that takes the line.
  Path taken(int line) {
    return folder.resolve(line + ".taken");
  }

  /// Makes the folder, or sees that it is ours alone.
  void open() throws IOException {
    try {
      Files.createDirectory(folder, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
    } catch (FileAlreadyExistsException e) {
      // Then it is looked at.
    }
    PosixFileAttributes found = Files.readAttributes(folder, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    Object self = Files.getAttribute(Path.of("/proc/self"), "unix:uid");
    if (!found.isDirectory() || !self.equals(Files.getAttribute(folder, "unix:uid", LinkOption.NOFOLLOW_LINKS))) {
      throw new IOException(folder + " is not a folder of this user's; remove it, or set STASIS_SERVE_DIRECTORY");
    }
    if (!found.permissions().equals(OWNER_ONLY)) {
      throw new IOException(folder + " is open to others (" + PosixFilePermissions.toString(found.permissions())
          + "); chmod 700 it if nothing of others' is in it");
    }
  }

  /// The right to serve here, which ends with the process; whatever else lies here is then a dead server's.
  ///
  /// @return empty where a living server has it
  Optional<FileChannel> own() throws IOException {
    FileChannel channel = FileChannel.open(folder.resolve(LOCK), EnumSet.of(StandardOpenOption.CREATE,
        StandardOpenOption.WRITE), PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    FileLock lock = channel.tryLock();
    if (lock == null) {
      channel.close();
      return Optional.empty();
    }
    return Optional.of(channel);
  }

  /// Removes all but the lock.
  void clear() throws IOException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder,
        "{serve.sock,*.ask,*.say,*.taken}")) {
      for (Path file : files) {
        Files.deleteIfExists(file);
      }
    }
  }
}
