package stasis.engine;

import java.util.Iterator;
import java.util.NoSuchElementException;
import stasis.image.PageRun;

/// The runs of one body, cut at each multiple of 64 KiB of its addresses, as a repository cuts what it stores
/// (docs/repository-format.md).
final class Windows implements Iterator<Windows.Window> {
  private static final int SHIFT = 16;
  private static final int PAGE_SHIFT = 12;
  private static final int PAGES = 1 << SHIFT - PAGE_SHIFT;

  private final Iterator<PageRun> runs;
  private PageRun run = new PageRun(0, PageRun.GRANULE_BYTES, 0);
  private long doneBytes = run.storedBytes();

  /// @param index address divided by 64 KiB @param pages bit i: its page i is in a run
  /// @param sectionOffset of the first of them @param together whether they lie one behind the other in the section
  record Window(long index, int pages, long sectionOffset, boolean together) {
    long lengthBytes() {
      return (long) Integer.bitCount(pages) << PAGE_SHIFT;
    }
  }

  /// @param runs ascending
  Windows(Iterator<PageRun> runs) {
    this.runs = runs;
  }

  @Override
  public boolean hasNext() {
    return doneBytes < run.storedBytes() || runs.hasNext();
  }

  @Override
  public Window next() {
    if (!arrived()) {
      throw new NoSuchElementException("no run is left");
    }
    long index = at() >>> SHIFT;
    long sectionOffset = run.sectionOffset() + doneBytes;
    long expected = sectionOffset;
    int pages = 0;
    boolean together = true;
    while (arrived() && at() >>> SHIFT == index) {
      long part = Math.min(run.storedBytes() - doneBytes, (index + 1 << SHIFT) - at());
      int first = (int) (at() >>> PAGE_SHIFT) & PAGES - 1;
      pages |= (1 << first + (int) (part >>> PAGE_SHIFT)) - (1 << first);
      together &= run.sectionOffset() + doneBytes == expected;
      expected += part;
      doneBytes += part;
    }
    return new Window(index, pages, sectionOffset, together);
  }

  private long at() {
    return run.start() + doneBytes;
  }

  private boolean arrived() {
    if (doneBytes == run.storedBytes() && runs.hasNext()) {
      run = runs.next();
      doneBytes = 0;
    }
    return doneBytes < run.storedBytes();
  }
}
