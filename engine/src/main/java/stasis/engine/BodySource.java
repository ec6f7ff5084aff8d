package stasis.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import stasis.image.ObjectId;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;
import stasis.procfs.Vma;
import stasis.procfs.VmFlag;
import stasis.tracee.RemoteMemory;

/// Where the contents of one body are read from: a description of the engine's own, or the memory of a task that maps
/// it.
final class BodySource implements AutoCloseable {
  private static final int SEEK_SET = 0;
  private static final int SEEK_END = 2;
  private static final int SEEK_DATA = 3;
  private static final int SEEK_HOLE = 4;
  private static final int AT_FDCWD = -100;
  private static final int O_CLOEXEC = 0x80000;
  private static final int O_NOATIME = 0x40000;
  private static final long PAGE = 4096;
  private static final long READ_BYTES = 1 << 20;
  private static final int STATFS_BYTES = 120;
  private static final long HUGETLBFS_MAGIC = 0x958458f6L;

  private final ObjectId body;
  private final String subject;
  private final Optional<Long> fd;
  private final List<Place> places;
  private final Access access;
  /// Where it is still being copied from the program that changes it.
  private final Optional<ProtectedBody> coming;

  /// Who can write to it.
  enum Access {
    /// Whoever maps it in the tree, and nobody else.
    MAPPINGS_OF_THE_TREE,
    /// Whoever has or gets a descriptor of it: the tree maps it so that it can only be read.
    DESCRIPTORS,
    OTHERS
  }

  /// A stretch of data, in bytes from the start of the body.
  record Data(long start, long lengthBytes) {}

  /// Where a task maps a part of it.
  ///
  /// @param mayWrite shared, and so that it may become writable
  record Place(Tid task, Vma vma, boolean mayWrite) {}

  private BodySource(ObjectId body, String subject, Optional<Long> fd, List<Place> places, Access access,
      Optional<ProtectedBody> coming) {
    this.body = body;
    this.subject = subject;
    this.fd = fd;
    this.places = places;
    this.access = access;
    this.coming = coming;
  }

  /// Through a fresh description of the inode, so that the task's file position stays where it is; through the mapping
  /// itself where there is no way to one.
  static BodySource of(TreeView.Body body) {
    List<Place> places = body.mappings().stream()
        .map(mapping -> new Place(mapping.group().leader().tid(), mapping.vma(),
            mapping.vma().shared() && mapping.flags().has(VmFlag.MW))).toList();
    return new BodySource(body.id(), new BodyViews(body).subject(), reopen(body, places), places,
        access(body, places), Optional.empty());
  }

  /// No userfaultfd is made for System V segments (include/linux/shmem_fs.h, vma_is_shmem()). Descriptors that do not note
  /// who reads or maps with them (O_NOATIME) hide what they do.
  private static Access access(TreeView.Body body, List<Place> places) {
    boolean described = !(body.files().isEmpty() && body.copies().isEmpty() && body.groups().isEmpty());
    return switch (body.key().kind()) {
      case "body.sharedanon" -> described ? Access.OTHERS : Access.MAPPINGS_OF_THE_TREE;
      case "body.memfd", "body.deleted" -> !described ? Access.MAPPINGS_OF_THE_TREE
          : places.stream().noneMatch(Place::mayWrite)
              && body.files().stream().allMatch(file -> (file.info().flags() & O_NOATIME) == 0)
              ? Access.DESCRIPTORS : Access.OTHERS;
      default -> Access.OTHERS;
    };
  }

  /// A file that the engine has opened, and from now on closes with this.
  static BodySource ofFile(ObjectId body, String subject, long fd) {
    return new BodySource(body, subject, Optional.of(fd), List.of(), Access.OTHERS, Optional.empty());
  }

  /// The same, where somebody outside the tree maps it too.
  BodySource sharedOutside() {
    return new BodySource(body, subject, fd, places, Access.OTHERS, coming);
  }

  /// Its contents as they are now, in a file that they come to be copied into.
  ///
  /// @param memfd closed with the result
  BodySource heldIn(long memfd, ProtectedBody copy) {
    return new BodySource(body, subject, Optional.of(memfd), List.of(), Access.OTHERS, Optional.of(copy));
  }

  /// Where the tree may write to it.
  List<Place> written() {
    return places.stream().filter(Place::mayWrite).toList();
  }

  String subject() {
    return subject;
  }

  /// Of its file, while it stays open.
  Optional<Long> fd() {
    return fd;
  }

  Access access() {
    return access;
  }

  /// Of an open file.
  Optional<Long> sizeBytes() {
    return fd.map(file -> Syscalls.call(Nr.LSEEK, file, 0, SEEK_END)).filter(size -> !Errno.isError(size));
  }

  private static Optional<Long> reopen(TreeView.Body body, List<Place> places) {
    var paths = new ArrayList<String>();
    for (var file : body.files()) {
      if (file instanceof FileView view) {
        view.copy().ifPresent(copy -> paths.add("/proc/self/fd/" + copy.fd()));
      }
    }
    for (Place place : places) {
      paths.add("/proc/" + place.task() + "/map_files/" + Long.toHexString(place.vma().start()) + "-"
          + Long.toHexString(place.vma().end()));
    }
    body.copies().forEach(copy -> paths.add("/proc/self/fd/" + copy.fd()));
    if (body.copies().isEmpty()) {
      body.groups().forEach(group -> paths.add("/proc/" + group.leader().tid() + "/exe"));
    }
    for (String path : paths) {
      try (Arena arena = Arena.ofConfined()) {
        long name = arena.allocateFrom(path).address();
        long fd = Syscalls.call(Nr.OPENAT, AT_FDCWD, name, O_CLOEXEC | O_NOATIME);
        if (fd == -Errno.EPERM.number()) {
          fd = Syscalls.call(Nr.OPENAT, AT_FDCWD, name, O_CLOEXEC); // another's file
        }
        if (!Errno.isError(fd)) {
          return Optional.of(fd);
        }
      }
    }
    return Optional.empty();
  }

  ObjectId body() {
    return body;
  }

  /// Stretches that hold data, ascending; holes are left out where the file system tells them.
  List<Data> data() throws SyscallException {
    if (coming.isPresent()) {
      return coming.get().data();
    }
    return fd.isEmpty() ? dataOfMemory() : isHuge(fd.get()) ? dataByReading(fd.get()) : dataOfFile(fd.get());
  }

  /// What the vmas show, each part once, without the pages of zeros: memory does not tell where its holes are.
  private List<Data> dataOfMemory() throws SyscallException {
    var stretches = new ArrayList<Data>();
    long seen = 0;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment page = arena.allocate(PAGE, PAGE);
      MemorySegment zeros = arena.allocate(PAGE, PAGE);
      for (Vma vma : places.stream().map(Place::vma).sorted(Comparator.comparingLong(Vma::offset)).toList()) {
        long end = vma.offset() + vma.lengthBytes();
        for (long at = Math.max(seen, vma.offset()); at < end; at += PAGE) {
          readMemory(at, page);
          if (page.mismatch(zeros) >= 0) {
            stretches.add(new Data(at, PAGE));
          }
        }
        seen = Math.max(seen, end);
      }
    }
    return merge(stretches);
  }

  /// hugetlbfs does not tell its holes (lseek(2)): pages of zeros count as such.
  private List<Data> dataByReading(long file) throws SyscallException {
    var stretches = new ArrayList<Data>();
    long size = Syscalls.require("size of " + subject, Nr.LSEEK, file, 0, SEEK_END);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(READ_BYTES, PAGE);
      MemorySegment zeros = arena.allocate(READ_BYTES, PAGE);
      for (long at = 0; at < size; at += READ_BYTES) {
        MemorySegment part = buffer.asSlice(0, Math.min(READ_BYTES, size - at));
        read(at, part);
        if (part.mismatch(zeros.asSlice(0, part.byteSize())) >= 0) {
          addPages(at, part, zeros.asSlice(0, PAGE), stretches);
        }
      }
    }
    return merge(stretches);
  }

  private static void addPages(long start, MemorySegment part, MemorySegment zeros, List<Data> into) {
    for (long at = 0; at < part.byteSize(); at += PAGE) {
      if (part.asSlice(at, PAGE).mismatch(zeros) >= 0) {
        into.add(new Data(start + at, PAGE));
      }
    }
  }

  private static boolean isHuge(long file) throws SyscallException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment facts = arena.allocate(STATFS_BYTES, Long.BYTES);
      Syscalls.require("file system of a body", Nr.FSTATFS, file, facts.address());
      return facts.get(ValueLayout.JAVA_LONG, 0) == HUGETLBFS_MAGIC;
    }
  }

  private List<Data> dataOfFile(long file) throws SyscallException {
    var stretches = new ArrayList<Data>();
    long size = Syscalls.require("size of " + subject, Nr.LSEEK, file, 0, SEEK_END);
    long at = 0;
    while (at < size) {
      long data = Syscalls.call(Nr.LSEEK, file, at, SEEK_DATA);
      if (data == -Errno.ENXIO.number()) {
        break;
      }
      if (Errno.isError(data)) {
        throw new SyscallException(Nr.LSEEK, Errno.of(data), "find data of " + subject);
      }
      long hole = Syscalls.require("find the hole after data of " + subject, Nr.LSEEK, file, data, SEEK_HOLE);
      // Runs start at whole pages; a file system may report smaller blocks.
      long start = data & -PAGE;
      stretches.add(new Data(start, Math.min(hole, size) - start));
      at = hole;
    }
    Syscalls.call(Nr.LSEEK, file, 0, SEEK_SET);
    return merge(stretches);
  }

  private static List<Data> merge(List<Data> stretches) {
    var merged = new ArrayList<Data>();
    for (Data next : stretches) {
      long end = merged.isEmpty() ? -1 : merged.getLast().start() + merged.getLast().lengthBytes();
      if (!merged.isEmpty() && next.start() <= (end + PAGE - 1 & -PAGE)) {
        Data last = merged.removeLast();
        merged.add(new Data(last.start(), next.start() + next.lengthBytes() - last.start()));
      } else {
        merged.add(next);
      }
    }
    return merged;
  }

  /// Of the first so many bytes; see [HostFiles#checksum].
  Optional<Long> checksum(long lengthBytes) {
    return fd.flatMap(file -> HostFiles.checksum(file, 0, lengthBytes));
  }

  /// Reads `into` whole.
  void read(long offset, MemorySegment into) throws SyscallException {
    if (fd.isEmpty()) {
      readMemory(offset, into);
      return;
    }
    if (coming.isPresent()) {
      coming.get().copy(offset, into.byteSize());
    }
    long done = 0;
    while (done < into.byteSize()) {
      long got = Syscalls.require("read " + subject, Nr.PREAD64, fd.get(), into.address() + done,
          into.byteSize() - done, offset + done);
      if (got == 0) {
        throw new SyscallException(Nr.PREAD64, Errno.EIO, "read " + subject + " at " + (offset + done)
            + ", which became shorter meanwhile");
      }
      done += got;
    }
  }

  /// A stretch may lie in several vmas, one after the other.
  private void readMemory(long offset, MemorySegment into) throws SyscallException {
    for (long done = 0; done < into.byteSize();) {
      long at = offset + done;
      Place place = places.stream().filter(p -> at >= p.vma().offset()
          && at < p.vma().offset() + p.vma().lengthBytes()).findFirst().orElseThrow(
              () -> new SyscallException(Nr.PROCESS_VM_READV, Errno.EFAULT, "read " + subject + " at " + at));
      Vma vma = place.vma();
      long part = Math.min(into.byteSize() - done, vma.offset() + vma.lengthBytes() - at);
      new RemoteMemory(place.task()).read(new RemoteAddress(vma.start() + at - vma.offset()), into.asSlice(done, part));
      done += part;
    }
  }

  /// What a copy may come to: what the file has of its disk or of memory, or else the vmas.
  long allocatedBytes() {
    return fd.flatMap(HostFiles::allocatedBytes).orElseGet(() -> places.stream()
        .mapToLong(place -> place.vma().lengthBytes()).sum());
  }

  /// The same contents as they are now, held by the engine: the tree may go on and change the body.
  BodySource copy() throws SyscallException {
    try (Arena arena = Arena.ofConfined()) {
      long memfd = Syscalls.require("hold the contents of " + subject, Nr.MEMFD_CREATE,
          arena.allocateFrom("stasis-body").address(), 1);
      MemorySegment buffer = arena.allocate(READ_BYTES, PAGE);
      long size = fd.isPresent() ? Syscalls.require("size of " + subject, Nr.LSEEK, fd.get(), 0, SEEK_END) : 0;
      for (Data stretch : data()) {
        copyTo(memfd, stretch.start(), stretch.lengthBytes(), buffer);
        size = Math.max(size, stretch.start() + stretch.lengthBytes());
      }
      Syscalls.require("size of the held " + subject, Nr.FTRUNCATE, memfd, size);
      return new BodySource(body, subject, Optional.of(memfd), List.of(), Access.OTHERS, Optional.empty());
    }
  }

  /// Copies a part of it to the same place of another file. The kernel does that by itself between files of one kind.
  void copyTo(long file, long offset, long lengthBytes, MemorySegment buffer) throws SyscallException {
    long end = offset + lengthBytes;
    long at = fd.isPresent() && coming.isEmpty() ? copyInKernel(fd.get(), file, offset, end) : offset;
    while (at < end) {
      MemorySegment part = buffer.asSlice(0, Math.min(buffer.byteSize(), end - at));
      read(at, part);
      for (long done = 0; done < part.byteSize();) {
        done += Syscalls.require("hold the contents of " + subject, Nr.PWRITE64, file, part.address() + done,
            part.byteSize() - done, at + done);
      }
      at += part.byteSize();
    }
  }

  /// @return how far it came: not at all between file systems, or from hugetlbfs
  private static long copyInKernel(long from, long to, long start, long end) {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment places = call.allocateFrom(ValueLayout.JAVA_LONG, start, start);
      long at = start;
      long copied = 1;
      while (at < end && copied > 0) {
        copied = Syscalls.call(Nr.COPY_FILE_RANGE, from, places.address(), to, places.address() + 8, end - at, 0);
        at += Math.max(copied, 0);
      }
      return at;
    }
  }

  @Override
  public void close() {
    fd.ifPresent(file -> Syscalls.call(Nr.CLOSE, file));
  }
}
