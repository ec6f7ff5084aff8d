package stasis.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.resource.Extent;
import stasis.tracee.RemoteMemory;

/// The private pages of one mm that are its own, and how they differ from those of another.
final class OwnPages {
  private static final long PAGE = 4096;

  private final Tid task;
  private final List<PageScan.Run> runs;

  /// What is not the same as in another mm.
  ///
  /// @param own pages to store @param dropped pages only the other has
  record Difference(List<PageScan.Run> own, List<Extent> dropped) {}

  private OwnPages(Tid task, List<PageScan.Run> runs) {
    this.task = task;
    this.runs = List.copyOf(runs);
  }

  /// Ranges that touch are one to the kernel: thousands of small vmas cost one scan, one read, one write.
  ///
  /// @param ranges in address order
  static OwnPages of(Tid task, List<MappingCollector.Range> ranges) throws SyscallException {
    var runs = new ArrayList<PageScan.Run>();
    try (PageScan scan = new PageScan(task)) {
      for (int i = 0; i < ranges.size();) {
        RemoteAddress start = ranges.get(i).start();
        long lengthBytes = 0;
        for (; i < ranges.size() && ranges.get(i).start().equals(start.plus(lengthBytes)); i++) {
          lengthBytes += ranges.get(i).lengthBytes();
        }
        runs.addAll(scan.ownPages(start, lengthBytes));
      }
    }
    return new OwnPages(task, runs);
  }

  /// In address order.
  List<PageScan.Run> runs() {
    return runs;
  }

  /// @param inheritance which vmas are still those of `base`
  /// @return empty when not one page is the same
  Optional<Difference> from(OwnPages base, Inheritance inheritance) throws SyscallException {
    Intervals kept = inheritance.keptPages();
    if (kept.isEmpty()) {
      return Optional.empty();
    }
    Intervals mine = Intervals.of(runs);
    Intervals theirs = Intervals.of(base.runs).and(kept);
    Intervals same = equal(base, mine.and(theirs));
    if (same.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(new Difference(mine.minus(same).runs(),
        theirs.minus(mine).runs().stream().map(run -> new Extent(run.start(), run.lengthBytes())).toList()));
  }

  /// Those of `candidates` that both mms have the same page at: one and the same frame or, where frames are not shown,
  /// equal contents.
  private Intervals equal(OwnPages base, Intervals candidates) throws SyscallException {
    var equal = new Intervals();
    try (Arena arena = Arena.ofConfined(); Pagemap ours = new Pagemap(task, arena);
        Pagemap others = new Pagemap(base.task, arena)) {
      var comparison = new Comparison(arena, new RemoteMemory(task), new RemoteMemory(base.task));
      for (PageScan.Run run : candidates.runs()) {
        long end = run.start().bits() + run.lengthBytes();
        for (long at = run.start().bits(); at < end; at += Pagemap.CHUNK_PAGES * PAGE) {
          int pages = (int) Math.min(Pagemap.CHUNK_PAGES, (end - at) / PAGE);
          ours.read(at, pages);
          others.read(at, pages);
          for (int i = 0; i < pages; i++) {
            if (same(ours.entry(i), others.entry(i), at + i * PAGE, comparison)) {
              equal.add(at + i * PAGE, at + (i + 1) * PAGE);
            }
          }
        }
      }
    }
    return equal;
  }

  private static boolean same(long mine, long theirs, long address, Comparison comparison) throws SyscallException {
    boolean present = (mine & Pagemap.PRESENT) != 0 && (theirs & Pagemap.PRESENT) != 0;
    if (present && (mine & Pagemap.FRAME) == 0) {
      return comparison.same(address);
    }
    return (present || (mine & Pagemap.SWAPPED) != 0 && (theirs & Pagemap.SWAPPED) != 0)
        && (mine & Pagemap.FRAME) == (theirs & Pagemap.FRAME);
  }

  /// Reads single pages of both.
  private record Comparison(MemorySegment a, MemorySegment b, RemoteMemory mine, RemoteMemory theirs) {
    Comparison(Arena arena, RemoteMemory mine, RemoteMemory theirs) {
      this(arena.allocate(PAGE, PAGE), arena.allocate(PAGE, PAGE), mine, theirs);
    }

    boolean same(long address) throws SyscallException {
      mine.read(new RemoteAddress(address), a);
      theirs.read(new RemoteAddress(address), b);
      return a.mismatch(b) < 0;
    }
  }
}
