package stasis.engine;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;

/// Finds the pages of a task that are its own, by ioctl PAGEMAP_SCAN (fs/proc/task_mmu.c, do_pagemap_scan()), or where
/// the kernel has none by the entries of its pagemap ([PagemapWalk]).
final class PageScan implements AutoCloseable {
  /// Pages of one answer; the kernel's own buffer holds 512, more only saves calls.
  private static final int REGIONS = 16384;
  private static final long REGION_BYTES = 24;
  private static final long PAGE = 4096;
  private static final long PAGEMAP_SCAN = 0xC0606610L;
  private static final long ARG_BYTES = 96;
  private static final long PM_SCAN_WP_MATCHING = 1;
  private static final long PM_SCAN_CHECK_WPASYNC = 2;
  private static final long PAGE_IS_WPALLOWED = 1;
  static final long PAGE_IS_WRITTEN = 1 << 1;
  static final long PAGE_IS_FILE = 1 << 2;
  static final long PAGE_IS_PRESENT = 1 << 3;
  static final long PAGE_IS_SWAPPED = 1 << 4;
  static final long PAGE_IS_PFNZERO = 1 << 5;
  static final long PAGE_IS_HUGE = 1 << 6;
  static final long PAGE_IS_SOFT_DIRTY = 1 << 7;
  private static final long PAGE_IS_GUARD = 1 << 8;
  /// Ours, and only in an entry of the pagemap.
  static final long PAGE_IS_EXCLUSIVE = 1L << 62;
  private static final int AT_FDCWD = -100;
  private static final int O_CLOEXEC = 0x80000;

  private final Tid task;
  private final long pagemap;
  /// 0 on a kernel that has no guard regions, or does not tell them.
  private final long guardCategory;
  private final Arena arena = Arena.ofConfined();
  private final MemorySegment argument = arena.allocate(ARG_BYTES, 8);
  private final MemorySegment regions = arena.allocate(REGION_BYTES * REGIONS, 8);
  /// Where the kernel does not scan.
  private final Optional<PagemapWalk> walk;

  /// A stretch of pages.
  record Run(RemoteAddress start, long lengthBytes) {}

  PageScan(Tid task) throws SyscallException {
    this(task, Source.KERNEL_S_CHOICE);
  }

  /// Where its answers come from.
  enum Source {
    /// The kernel's own scan, if it has one.
    KERNEL_S_CHOICE,
    /// The pagemap, also where there is a better way.
    ENTRIES
  }

  PageScan(Tid task, Source source) throws SyscallException {
    this.task = task;
    MemorySegment path = arena.allocateFrom("/proc/" + task + "/pagemap");
    this.pagemap = Syscalls.require("open the pagemap of task " + task, Nr.OPENAT, AT_FDCWD, path.address(),
        O_CLOEXEC);
    long guards = source == Source.ENTRIES ? -Errno.ENOTTY.number() : call(0, 0, PAGE, 0, PAGE_IS_GUARD, 0);
    boolean scans = guards != -Errno.ENOTTY.number();
    this.guardCategory = scans && guards != -Errno.EINVAL.number() ? PAGE_IS_GUARD : 0;
    this.walk = scans ? Optional.empty() : Optional.of(new PagemapWalk(task, new Pagemap(task, pagemap, arena), arena));
  }

  /// Present or swapped pages of `[start, start + length)` that belong to the mm and hold more than the shared zero
  /// page: anonymous memory, copies of a private file's pages.
  List<Run> ownPages(RemoteAddress start, long lengthBytes) throws SyscallException {
    // A guard marker lies in the page table as if it were swapped out (fs/proc/task_mmu.c,
    // pagemap_page_category()).
    long unwanted = PAGE_IS_PFNZERO | PAGE_IS_FILE | guardCategory;
    return scan(start, lengthBytes, unwanted, unwanted, PAGE_IS_PRESENT | PAGE_IS_SWAPPED);
  }

  /// Guard regions (MADV_GUARD_INSTALL).
  List<Run> guards(RemoteAddress start, long lengthBytes) throws SyscallException {
    return guardCategory == 0 ? List.of() : scan(start, lengthBytes, 0, guardCategory, 0);
  }

  /// Huge pages of anonymous memory, mapped as such.
  List<Run> huge(RemoteAddress start, long lengthBytes) throws SyscallException {
    long unwanted = PAGE_IS_PFNZERO | PAGE_IS_FILE;
    return scan(start, lengthBytes, unwanted, unwanted | PAGE_IS_HUGE, 0);
  }

  /// Pages that hold the shared zero page.
  List<Run> zeros(RemoteAddress start, long lengthBytes) throws SyscallException {
    return scan(start, lengthBytes, 0, PAGE_IS_PFNZERO, 0);
  }

  /// Pages, or places for pages, that a userfaultfd has write-protected, in a vma registered for that.
  List<Run> writeProtected(RemoteAddress start, long lengthBytes) throws SyscallException {
    return scan(start, lengthBytes, PAGE_IS_WRITTEN | guardCategory, PAGE_IS_WRITTEN | guardCategory,
        PAGE_IS_PRESENT | PAGE_IS_SWAPPED);
  }

  /// Present pages that nobody wrote since [#protect]. Only a page that was protected then, and lies in a vma that has
  /// been registered ever since, is one: a vma that was moved, mapped anew or grown has lost it, so has a page that was
  /// dropped, and a swapped one is not told from a marker.
  List<Run> unwritten(RemoteAddress start, long lengthBytes) throws SyscallException {
    long unwanted = PAGE_IS_WRITTEN | PAGE_IS_FILE | PAGE_IS_PFNZERO;
    return scan(0, start, lengthBytes, unwanted, unwanted | PAGE_IS_WPALLOWED | PAGE_IS_PRESENT, 0);
  }

  /// Whether the kernel scans.
  boolean isByTheKernel() {
    return walk.isEmpty();
  }

  /// Present pages that are mapped here alone and not soft-dirty. Only the entries tell.
  List<Run> notDirtied(RemoteAddress start, long lengthBytes) throws SyscallException {
    long unwanted = PAGE_IS_SOFT_DIRTY | PAGE_IS_FILE;
    return walk.orElseThrow().scan(start, lengthBytes, unwanted,
        unwanted | PAGE_IS_PRESENT | PAGE_IS_EXCLUSIVE, 0);
  }

  /// Whether writes to the page there are noted (EPERM where not, pagemap_scan_test_walk()).
  boolean notesWrites(RemoteAddress start) {
    return !Errno.isError(call(PM_SCAN_CHECK_WPASYNC, start.bits(), start.bits() + PAGE, 0, PAGE_IS_WRITTEN, 0));
  }

  /// Has the kernel note each write to a present page of its own from here on (userfaultfd, asynchronously). With
  /// these categories it makes no markers for pages that are not there.
  ///
  /// @throws SyscallException EPERM: not all of it is registered for that
  void protect(RemoteAddress start, long lengthBytes) throws SyscallException {
    long unwanted = PAGE_IS_FILE | PAGE_IS_PFNZERO;
    scan(PM_SCAN_WP_MATCHING | PM_SCAN_CHECK_WPASYNC, start, lengthBytes, unwanted,
        unwanted | PAGE_IS_WRITTEN | PAGE_IS_PRESENT, 0);
  }

  private List<Run> scan(RemoteAddress start, long lengthBytes, long inverted, long all, long any)
      throws SyscallException {
    if (walk.isPresent()) {
      return walk.get().scan(start, lengthBytes, inverted, all, any);
    }
    return scan(0, start, lengthBytes, inverted, all, any);
  }

  private List<Run> scan(long flags, RemoteAddress start, long lengthBytes, long inverted, long all, long any)
      throws SyscallException {
    List<Run> runs = new ArrayList<>();
    long from = start.bits();
    long end = from + lengthBytes;
    while (Long.compareUnsigned(from, end) < 0) {
      long count = call(flags, from, end, inverted, all, any);
      if (Errno.isError(count)) {
        throw new SyscallException(Nr.IOCTL, Errno.of(count), "scan pages of task " + task);
      }
      for (long i = 0; i < count; i++) {
        append(runs, regions.get(JAVA_LONG, i * REGION_BYTES), regions.get(JAVA_LONG, i * REGION_BYTES + 8));
      }
      if (count < REGIONS) {
        break;
      }
      // walk_end lags behind when more than 512 regions were found: go on at the end of the last region.
      from = regions.get(JAVA_LONG, (count - 1) * REGION_BYTES + 8);
    }
    return runs;
  }

  private long call(long flags, long from, long end, long inverted, long all, long any) {
    long[] fields = {ARG_BYTES, flags, from, end, 0, regions.address(), REGIONS, 0, inverted, all, any, 0};
    for (int i = 0; i < fields.length; i++) {
      argument.setAtIndex(JAVA_LONG, i, fields[i]);
    }
    return Syscalls.call(Nr.IOCTL, pagemap, PAGEMAP_SCAN, argument.address());
  }

  private static void append(List<Run> runs, long start, long end) {
    if (!runs.isEmpty()) {
      Run last = runs.getLast();
      if (last.start().bits() + last.lengthBytes() == start) {
        runs.set(runs.size() - 1, new Run(last.start(), last.lengthBytes() + end - start));
        return;
      }
    }
    runs.add(new Run(new RemoteAddress(start), end - start));
  }

  @Override
  public void close() {
    walk.ifPresent(PagemapWalk::close);
    Syscalls.call(Nr.CLOSE, pagemap);
    arena.close();
  }
}
