package stasis.engine;

import java.lang.foreign.Arena;
import java.util.List;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;

/// What PAGEMAP_SCAN would say, from the entries of /proc/PID/pagemap: Linux before 6.7. An entry names neither the page
/// of zeros nor a huge page; [Frames] knows them.
final class PagemapWalk implements AutoCloseable {
  private static final long PAGE = 4096;
  private static final long NONE = -1;

  private final Pagemap pagemap;
  private final Frames frames;

  /// @param pagemap of the task, not closed by this @param arena lives as long
  PagemapWalk(Tid task, Pagemap pagemap, Arena arena) throws SyscallException {
    this.pagemap = pagemap;
    this.frames = new Frames(task, arena);
  }

  /// The pages of a range whose categories, those of `inverted` turned round, are `all` and one of `any`, if that is not
  /// 0 (fs/proc/task_mmu.c, pagemap_scan_is_interesting_page()).
  List<PageScan.Run> scan(RemoteAddress start, long lengthBytes, long inverted, long all, long any)
      throws SyscallException {
    var found = new Intervals();
    long asked = all | any;
    long end = start.bits() + lengthBytes;
    long from = NONE;
    for (long at = start.bits(); at < end; at += Pagemap.CHUNK_PAGES * PAGE) {
      int pages = (int) Math.min(Pagemap.CHUNK_PAGES, (end - at) / PAGE);
      pagemap.read(at, pages);
      for (int i = 0; i < pages; i++) {
        long is = categories(pagemap.entry(i), at + i * PAGE, asked) ^ inverted;
        boolean matches = (is & all) == all && (any == 0 || (is & any) != 0);
        if (matches && from == NONE) {
          from = at + i * PAGE;
        } else if (!matches && from != NONE) {
          found.add(from, at + i * PAGE);
          from = NONE;
        }
      }
    }
    if (from != NONE) {
      found.add(from, end);
    }
    return found.runs();
  }

  private long categories(long entry, long address, long asked) throws SyscallException {
    long is = category(entry, Pagemap.PRESENT, PageScan.PAGE_IS_PRESENT)
        | category(entry, Pagemap.SWAPPED, PageScan.PAGE_IS_SWAPPED)
        | category(entry, Pagemap.FILE, PageScan.PAGE_IS_FILE)
        | category(entry, Pagemap.SOFT_DIRTY, PageScan.PAGE_IS_SOFT_DIRTY)
        | category(entry, Pagemap.EXCLUSIVE, PageScan.PAGE_IS_EXCLUSIVE)
        | category(~entry, Pagemap.UFFD_WP, PageScan.PAGE_IS_WRITTEN);
    if ((asked & PageScan.PAGE_IS_PFNZERO) != 0 && frames.isZero(entry, address)) {
      is |= PageScan.PAGE_IS_PFNZERO;
    }
    if ((asked & PageScan.PAGE_IS_HUGE) != 0 && frames.isHuge(entry, address)) {
      is |= PageScan.PAGE_IS_HUGE;
    }
    return is;
  }

  private static long category(long entry, long bit, long category) {
    return (entry & bit) == 0 ? 0 : category;
  }

  @Override
  public void close() {
    frames.close();
  }
}
