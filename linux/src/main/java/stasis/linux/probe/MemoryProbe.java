package stasis.linux.probe;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import stasis.linux.abi.Arch;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.sys.Syscalls;

/// What the memory of a task can be asked and told, tried on two areas of our own, each a multiple of any page size.
final class MemoryProbe {
  private static final long AREA_BYTES = 65536;
  private static final int PROT_READ_WRITE = 3;
  private static final int MAP_PRIVATE_ANONYMOUS = 0x22;
  private static final int MADV_GUARD_INSTALL = 102;
  private static final long PR_SET_VMA = 0x53564d41;
  private static final int PR_SET_VMA_ANON_NAME = 0;
  private static final int PR_GET_MDWE = 66;
  private static final int AT_FDCWD = -100;
  private static final int O_CLOEXEC = 0x80000;
  private static final int UFFD_USER_MODE_ONLY = 1;
  private static final int UFFD_API = 0xaa;
  private static final long UFFDIO_API = 0xc018aa3fL;
  private static final long UFFD_FEATURE_WP_ASYNC = 1 << 15;
  private static final long PAGEMAP_PAGE_BYTES = 4096;
  private static final long PAGEMAP_SCAN = 0xc0606610L;
  private static final long PAGE_IS_PRESENT = 1 << 3;
  private static final int ARCH_GET_XCOMP_SUPP = 0x1021;
  private static final int XFEATURE_XTILE_DATA = 18;
  private static final int X86_64_ARCH_PRCTL = 158;

  private MemoryProbe() {}

  static List<Finding> look() throws SyscallException {
    List<Finding> findings = new ArrayList<>();
    long areas = Syscalls.require("map two areas to probe with", Nr.MMAP, 0, 2 * AREA_BYTES, PROT_READ_WRITE,
        MAP_PRIVATE_ANONYMOUS, -1, 0);
    try (Scratch scratch = new Scratch()) {
      findings.add(pagemapScan(scratch, areas));
      findings.add(Scratch.verdict(Feature.GUARD_REGION,
          Syscalls.call(Nr.MADVISE, areas + AREA_BYTES, AREA_BYTES, MADV_GUARD_INSTALL)));
      findings.add(Scratch.verdict(Feature.VMA_NAME, Syscalls.call(Nr.PRCTL, PR_SET_VMA, PR_SET_VMA_ANON_NAME, areas,
          AREA_BYTES, scratch.cString("stasis probe"))));
      findings.addAll(userfaultfd(scratch));
      findings.add(softDirty(scratch));
      // Length 0 seals nothing: mm/mseal.c, do_mseal().
      findings.add(Scratch.verdict(Feature.MSEAL, Syscalls.call(Nr.MSEAL, areas, 0, 0)));
      findings.add(Scratch.verdict(Feature.MEMFD_SECRET, scratch.open(Nr.MEMFD_SECRET, O_CLOEXEC)));
      findings.add(Scratch.verdict(Feature.MDWE, Syscalls.call(Nr.PRCTL, PR_GET_MDWE, 0, 0, 0, 0)));
      findings.add(protectionKeys());
      findings.addAll(extendedState(scratch));
      findings.add(mapFiles());
    } finally {
      Syscalls.call(Nr.MUNMAP, areas, 2 * AREA_BYTES);
    }
    return findings;
  }

  /// struct pm_scan_arg (include/uapi/linux/fs.h): size, flags, start, end, walk_end, vec, vec_len, max_areas,
  /// category_inverted, category_mask, category_anyof_mask, return_mask.
  private static Finding pagemapScan(Scratch scratch, long areas) {
    long fd = scratch.open(Nr.OPENAT, AT_FDCWD, scratch.cString("/proc/self/pagemap"), O_CLOEXEC, 0);
    if (Errno.isError(fd)) {
      return Scratch.verdict(Feature.PAGEMAP_SCAN, fd);
    }
    long regions = scratch.u64(0, 0, 0, 0, 0, 0);
    return Scratch.verdict(Feature.PAGEMAP_SCAN, Syscalls.call(Nr.IOCTL, fd, PAGEMAP_SCAN,
        scratch.u64(96, 0, areas, areas + 2 * AREA_BYTES, 0, regions, 2, 0, 0, 0, 0, PAGE_IS_PRESENT)));
  }

  private static List<Finding> userfaultfd(Scratch scratch) {
    long fd = scratch.open(Nr.USERFAULTFD, O_CLOEXEC);
    String limit = "";
    if (fd == -Errno.EPERM.number()) {
      fd = scratch.open(Nr.USERFAULTFD, O_CLOEXEC | UFFD_USER_MODE_ONLY);
      limit = "faults from user mode only";
    }
    if (Errno.isError(fd)) {
      return List.of(Scratch.verdict(Feature.USERFAULTFD, fd), Scratch.verdict(Feature.UFFD_WP_ASYNC, fd));
    }
    // struct uffdio_api: api, features, ioctls. The kernel answers with every feature it has.
    MemorySegment api = scratch.out(24);
    api.set(ValueLayout.JAVA_LONG, 0, UFFD_API);
    long result = Syscalls.call(Nr.IOCTL, fd, UFFDIO_API, api.address());
    boolean tracks = !Errno.isError(result) && (api.get(ValueLayout.JAVA_LONG, 8) & UFFD_FEATURE_WP_ASYNC) != 0;
    return List.of(
        limit.isEmpty() ? Finding.present(Feature.USERFAULTFD) : Finding.missing(Feature.USERFAULTFD, limit),
        tracks ? Finding.present(Feature.UFFD_WP_ASYNC) : Finding.missing(Feature.UFFD_WP_ASYNC, "not offered"));
  }

  /// A page that was just written is soft-dirty (Documentation/admin-guide/mm/soft-dirty.rst): bit 55 of its entry.
  private static Finding softDirty(Scratch scratch) {
    MemorySegment page = scratch.out(8);
    page.set(ValueLayout.JAVA_LONG, 0, 1);
    long fd = scratch.open(Nr.OPENAT, AT_FDCWD, scratch.cString("/proc/self/pagemap"), O_CLOEXEC, 0);
    MemorySegment entry = scratch.out(8);
    long got = Errno.isError(fd) ? fd
        : Syscalls.call(Nr.PREAD64, fd, entry.address(), 8, page.address() / PAGEMAP_PAGE_BYTES * 8);
    if (Errno.isError(got)) {
      return Scratch.verdict(Feature.SOFT_DIRTY, got);
    }
    return (entry.get(ValueLayout.JAVA_LONG, 0) >>> 55 & 1) != 0 ? Finding.present(Feature.SOFT_DIRTY)
        : Finding.missing(Feature.SOFT_DIRTY, "written pages are not marked");
  }

  private static Finding protectionKeys() {
    long key = Syscalls.call(Nr.PKEY_ALLOC, 0, 0);
    if (!Errno.isError(key)) {
      Syscalls.call(Nr.PKEY_FREE, key);
    }
    return Scratch.verdict(Feature.PROTECTION_KEYS, key);
  }

  /// arch_prctl(2): the xsave components the kernel supports, one bit each.
  private static List<Finding> extendedState(Scratch scratch) {
    if (Syscalls.HOST != Arch.X86_64) {
      return List.of();
    }
    MemorySegment mask = scratch.out(8);
    long result = Syscalls.callNumber(X86_64_ARCH_PRCTL, ARCH_GET_XCOMP_SUPP, mask.address());
    if (Errno.isError(result)) {
      return List.of(Finding.noted(Feature.XSTATE, Errno.of(result).name()));
    }
    long components = mask.get(ValueLayout.JAVA_LONG, 0);
    boolean tiles = (components >>> XFEATURE_XTILE_DATA & 1) != 0;
    return List.of(
        tiles ? Finding.present(Feature.AMX) : Finding.missing(Feature.AMX, "not among the xsave components"),
        Finding.noted(Feature.XSTATE, "components 0x" + Long.toHexString(components)));
  }

  /// Following the links needs CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN: fs/proc/base.c, proc_map_files_get_link().
  private static Finding mapFiles() {
    try (Stream<Path> links = Files.list(Path.of("/proc/self/map_files"))) {
      for (Path link : links.limit(1).toList()) {
        Files.readSymbolicLink(link);
        Files.newByteChannel(link).close();
      }
      return Finding.present(Feature.MAP_FILES);
    } catch (IOException e) {
      return Finding.missing(Feature.MAP_FILES, e.getClass().getSimpleName());
    }
  }
}
