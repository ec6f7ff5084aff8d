package stasis.engine;

import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import stasis.image.ObjectId;
import stasis.image.StoredObject;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.linux.abi.PathBytes;
import stasis.linux.abi.SyscallException;
import stasis.linux.sys.Syscalls;
import stasis.procfs.FileStat;
import stasis.resource.HostFile;
import stasis.resource.ObstructedException;

/// The files of the host that an image takes along: opened in the freeze; what the program would go on writing to is
/// held there as well, cloned by the file system or copied, and all else is read when pages are.
final class Embedding implements AutoCloseable {
  private static final int O_NONBLOCK = 0x800;
  private static final int O_NOFOLLOW = 0x20000;
  private static final int O_NOATIME = 0x40000;
  private static final int O_PATH = 0x200000;
  private static final int O_DIRECTORY = 0x10000;
  private static final int O_TMPFILE = 020000000 | O_DIRECTORY;
  private static final int OWNER_ONLY = 0600;
  /// _IOW(0x94, 9, int) of uapi/linux/fs.h.
  private static final long FICLONE = 0x40049409L;
  /// What part of the memory that is free may hold copies.
  private static final int PART_OF_MEMORY = 4;
  private static final String REMEDY = "leave --embed-files away";

  /// One file. @param held apart from the file itself
  private record Taken(ObjectId id, HostFile file, FileFacts facts, long fd, long contentBytes,
      Optional<ObjectId> linkedTo, Optional<BodySource> held) {
    String subject() {
      return "file " + file.path();
    }

    BodySource source() {
      return held.orElseGet(() -> BodySource.ofFile(id, subject(), fd));
    }

    Taken heldAs(BodySource source) {
      return new Taken(id, file, facts, fd, contentBytes, linkedTo, Optional.of(source));
    }
  }

  private final List<Taken> taken = new ArrayList<>();
  private final List<String> told = new ArrayList<>();
  private long copiedBytes;
  private long clonedBytes;

  private Embedding() {}

  /// Opens all files of a tree that stands still.
  ///
  /// @param seen files as they were collected
  static Embedding begin(EmbedOrder order, Capture capture, Map<PathBytes, FileStat> seen)
      throws ObstructedException, SyscallException {
    var embedding = new Embedding();
    if (!order.wanted()) {
      return embedding;
    }
    try {
      int next = highest(capture);
      Map<List<Long>, ObjectId> inodes = new HashMap<>();
      for (HostFile file : files(capture).values()) {
        next++;
        embedding.take(new ObjectId(next), file, Optional.ofNullable(seen.get(file.path())), inodes);
      }
      long bytes = embedding.contentBytes();
      if (bytes > order.mostBytes()) {
        throw new ObstructedException("files to embed", bytes + " bytes in " + embedding.taken.size()
            + " files, and --embed-files allows " + order.mostBytes(), "allow more, or leave --embed-files away");
      }
      return embedding;
    } catch (ObstructedException | SyscallException | RuntimeException | Error e) {
      embedding.close();
      throw e;
    }
  }

  /// By path, each once.
  private static SortedMap<PathBytes, HostFile> files(Capture capture) {
    var files = new TreeMap<PathBytes, HostFile>();
    for (Capture.Item<?> item : capture.items().values()) {
      for (HostFile file : Kinded.hostFiles(item)) {
        files.merge(file.path(), file, (one, other) -> new HostFile(one.path(), one.written() || other.written()));
      }
    }
    return files;
  }

  private static int highest(Capture capture) {
    return Stream.of(capture.tasks(), capture.mms(), capture.files(), capture.items(), capture.zombies())
        .flatMap(objects -> objects.keySet().stream()).mapToInt(ObjectId::value).max().orElse(0);
  }

  private void take(ObjectId id, HostFile file, Optional<FileStat> seen, Map<List<Long>, ObjectId> inodes)
      throws ObstructedException, SyscallException {
    String subject = "file " + file.path();
    long fd = open(file.path(), Open.O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOATIME);
    if (fd == -Errno.EPERM.number()) {
      fd = open(file.path(), Open.O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
    }
    if (Errno.isError(fd)) {
      throw new ObstructedException(subject, "it cannot be read to be taken along: " + Errno.of(fd).meaning(), REMEDY);
    }
    boolean kept = false;
    try {
      FileFacts facts = FileFacts.of(fd, subject);
      if (!facts.isRegular() || seen.filter(one -> one.inode() != facts.inode()).isPresent()) {
        throw new ObstructedException(subject, "its path leads elsewhere by now", "let nobody rename it meanwhile");
      }
      long bytes = 0;
      for (BodySource.Data stretch : BodySource.ofFile(id, subject, fd).data()) {
        bytes += stretch.lengthBytes();
      }
      Optional<ObjectId> first = Optional.ofNullable(inodes.putIfAbsent(List.of(facts.device(), facts.inode()), id));
      taken.add(new Taken(id, file, facts, fd, bytes, first, Optional.empty()));
      kept = true;
    } finally {
      if (!kept) {
        Syscalls.call(Nr.CLOSE, fd);
      }
    }
  }

  private static long open(PathBytes path, int flags) {
    try (Arena arena = Arena.ofConfined()) {
      return Syscalls.call(Nr.OPENAT, Open.AT_FDCWD, text(arena, path), flags | Open.O_CLOEXEC);
    }
  }

  private static long text(Arena arena, PathBytes path) {
    return arena.allocateFrom(path.latin1(), StandardCharsets.ISO_8859_1).address();
  }

  private Stream<Taken> distinct() {
    return taken.stream().filter(one -> one.linkedTo().isEmpty());
  }

  private long contentBytes() {
    return distinct().mapToLong(Taken::contentBytes).sum();
  }

  private boolean isWritten(Taken one) {
    return taken.stream().anyMatch(other -> other.file().written()
        && (other.id().equals(one.id()) || other.linkedTo().filter(one.id()::equals).isPresent()));
  }

  /// Still in the freeze: holds what the program goes on writing to.
  ///
  /// @param budget asked before each file
  /// @return whether the program may run on before all is read; else it is told why not
  boolean hold(PageStore.Budget budget) throws SyscallException, ObstructedException {
    long room = MemoryRoom.availableBytes().orElse(0L) / PART_OF_MEMORY;
    for (int i = 0; i < taken.size(); i++) {
      Taken one = taken.get(i);
      if (one.linkedTo().isPresent() || !isWritten(one)) {
        continue;
      }
      budget.check();
      Optional<BodySource> clone = clone(one);
      if (clone.isEmpty() && copiedBytes + one.contentBytes() > room) {
        told.add("the program stood still until its image was stored: " + one.subject() + " has "
            + one.contentBytes() + " bytes that it may write to, more than there is free memory for a copy");
        return false;
      }
      if (clone.isPresent()) {
        taken.set(i, one.heldAs(clone.get()));
        clonedBytes += one.contentBytes();
      } else {
        taken.set(i, one.heldAs(one.source().copy()));
        copiedBytes += one.contentBytes();
      }
    }
    return true;
  }

  /// What file systems that share extents do at once (ioctl_ficlone(2)); nothing where this one does not.
  private static Optional<BodySource> clone(Taken one) {
    String path = one.file().path().latin1();
    PathBytes folder = PathBytes.of(path.substring(0, Math.max(1, path.lastIndexOf('/'))));
    try (Arena arena = Arena.ofConfined()) {
      long clone = Syscalls.call(Nr.OPENAT, Open.AT_FDCWD, text(arena, folder), O_TMPFILE | Open.O_RDWR
          | Open.O_CLOEXEC, OWNER_ONLY);
      if (Errno.isError(clone)) {
        return Optional.empty();
      }
      if (Errno.isError(Syscalls.call(Nr.IOCTL, clone, FICLONE, one.fd()))) {
        Syscalls.call(Nr.CLOSE, clone);
        return Optional.empty();
      }
      return Optional.of(BodySource.ofFile(one.id(), one.subject(), clone));
    }
  }

  /// Adds their contents to those that are stored.
  void add(PageStore pages) throws SyscallException {
    for (Taken one : distinct().toList()) {
      pages.addBody(one.source());
    }
  }

  /// What is known of them. Reads all of them once.
  List<StoredObject> objects() throws ObstructedException, SyscallException {
    var objects = new ArrayList<StoredObject>();
    Map<ObjectId, Long> checksums = new HashMap<>();
    for (Taken one : taken) {
      long checksum = one.linkedTo().map(checksums::get).orElse(0L);
      if (one.linkedTo().isEmpty()) {
        checksum = one.source().checksum(one.facts().sizeBytes()).orElseThrow(() -> changed(one));
        checksums.put(one.id(), checksum);
      }
      FileFacts facts = one.facts();
      EmbeddedFile file = new EmbeddedFile(one.file().path(), facts.permissions(), facts.uid(), facts.gid(),
          facts.sizeBytes(), facts.accessedNs(), facts.modifiedNs(), checksum,
          FileAttributes.of(one.fd(), one.subject()), one.linkedTo(), directories(one.file().path()),
          one.file().written());
      objects.add(StoredObject.of(one.id(), CoreSchemas.EMBEDDED, file, Optional.empty()));
    }
    return objects;
  }

  private static ObstructedException changed(Taken one) {
    return new ObstructedException(one.subject(), "somebody wrote to it while it was read to be taken along",
        "let nobody write to it meanwhile, or leave --embed-files away");
  }

  private static List<EmbeddedFile.Directory> directories(PathBytes path) throws SyscallException {
    var directories = new ArrayList<EmbeddedFile.Directory>();
    for (int at = path.latin1().indexOf('/', 1); at > 0; at = path.latin1().indexOf('/', at + 1)) {
      PathBytes folder = PathBytes.of(path.latin1().substring(0, at));
      long fd = open(folder, O_PATH | O_DIRECTORY);
      if (Errno.isError(fd)) {
        throw new SyscallException(Nr.OPENAT, Errno.of(fd), "look at folder " + folder);
      }
      try {
        FileFacts facts = FileFacts.of(fd, "folder " + folder);
        directories.add(new EmbeddedFile.Directory(facts.permissions(), facts.uid(), facts.gid()));
      } finally {
        Syscalls.call(Nr.CLOSE, fd);
      }
    }
    return directories;
  }

  /// When all was read: that it is as it was in the freeze.
  void verify() throws ObstructedException, SyscallException {
    for (Taken one : taken) {
      if (one.held().isEmpty() && one.linkedTo().isEmpty()
          && !FileFacts.of(one.fd(), one.subject()).isUnwrittenSince(one.facts())) {
        throw changed(one);
      }
    }
  }

  /// A row for each, for the loss table.
  void tell(Findings findings) {
    taken.forEach(one -> findings.exact(EmbeddedFile.SCHEMA_NAME, one.subject(), one.linkedTo().isPresent()
        ? "taken along, the same file as another" : "taken along, " + one.contentBytes() + " bytes"
        + (isWritten(one) ? ", as they are in the freeze" : "")));
  }

  /// The same, and what it comes to, for a checkpoint that is not made yet.
  void foretell(Findings findings) {
    tell(findings);
    long written = distinct().filter(this::isWritten).mapToLong(Taken::contentBytes).sum();
    if (!taken.isEmpty()) {
      findings.exact(EmbeddedFile.SCHEMA_NAME, "files to embed", contentBytes() + " bytes in " + taken.size()
          + " files; with --leave-running " + written + " bytes of them are copied in the freeze, or cloned where their"
          + " file system shares extents, else all are read in it; --max-freeze bounds that");
    }
  }

  /// What the user should know.
  List<String> told() {
    return List.copyOf(told);
  }

  /// Empty where nothing was asked for.
  Optional<EmbedReport> report(EmbedOrder order) {
    return order.wanted() ? Optional.of(new EmbedReport(taken.size(), contentBytes(), copiedBytes, clonedBytes))
        : Optional.empty();
  }

  @Override
  public void close() {
    for (Taken one : taken) {
      one.held().ifPresent(BodySource::close);
      Syscalls.call(Nr.CLOSE, one.fd());
    }
    taken.clear();
  }
}
