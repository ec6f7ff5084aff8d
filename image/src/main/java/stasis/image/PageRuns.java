package stasis.image;

import java.util.ArrayList;
import java.util.List;
import stasis.linux.abi.Bytes;

/// The runs of one body in ascending order, packed: three varints a run, one byte each for a lone page that follows
/// the one before. In granules of 4096 bytes: gap since the end of the run before; length, shifted left by one (or the
/// length in bytes, shifted, plus one, where it is no multiple); zigzag distance in the page section from the end of
/// the run before. Built, and read run by run, without an object per page.
public record PageRuns(Bytes packed) {
  public static final PageRuns NONE = new PageRuns(Bytes.EMPTY);

  /// Reads all of it once: later reads cannot fail.
  public PageRuns {
    Cursor cursor = new Cursor(packed);
    while (cursor.hasNext()) {
      cursor.next();
    }
  }

  /// @throws IllegalArgumentException unless the runs ascend without overlap
  public static PageRuns of(List<PageRun> runs) {
    WireWriter out = new WireWriter();
    long end = 0;
    long sectionEnd = 0;
    for (PageRun run : runs) {
      if (run.start() < end) {
        throw new IllegalArgumentException("page runs overlap or descend at 0x" + Long.toHexString(run.start()));
      }
      out.unsigned((run.start() - end) / PageRun.GRANULE_BYTES);
      boolean whole = run.lengthBytes() % PageRun.GRANULE_BYTES == 0;
      out.unsigned(whole ? (run.lengthBytes() / PageRun.GRANULE_BYTES) << 1 : (run.lengthBytes() << 1) | 1);
      long distance = (run.sectionOffset() - sectionEnd) / PageRun.GRANULE_BYTES;
      out.unsigned((distance << 1) ^ (distance >> 63));
      end = run.end();
      sectionEnd = run.sectionEnd();
    }
    return new PageRuns(out.bytes());
  }

  /// A new pass over the runs.
  public Cursor cursor() {
    return new Cursor(packed);
  }

  public List<PageRun> list() {
    List<PageRun> runs = new ArrayList<>();
    Cursor cursor = cursor();
    while (cursor.hasNext()) {
      runs.add(cursor.next());
    }
    return List.copyOf(runs);
  }

  /// @return how many runs
  public int count() {
    int count = 0;
    Cursor cursor = cursor();
    while (cursor.hasNext()) {
      cursor.next();
      count++;
    }
    return count;
  }

  /// @return bytes of content, padding not counted
  public long lengthBytes() {
    long sum = 0;
    Cursor cursor = cursor();
    while (cursor.hasNext()) {
      sum += cursor.next().lengthBytes();
    }
    return sum;
  }

  @Override
  public String toString() {
    return list().toString();
  }

  /// One pass, in order.
  public static final class Cursor {
    private final Bytes packed;
    private int position;
    private long end;
    private long sectionEnd;

    private Cursor(Bytes packed) {
      this.packed = packed;
    }

    public boolean hasNext() {
      return position < packed.length();
    }

    public PageRun next() {
      long gap = varint();
      long length = varint();
      long zigzag = varint();
      long distance = (zigzag >>> 1) ^ -(zigzag & 1);
      try {
        long start = Math.addExact(end, granules(gap));
        long lengthBytes = (length & 1) == 0 ? granules(length >>> 1) : length >>> 1;
        if ((length & 1) == 1 && lengthBytes % PageRun.GRANULE_BYTES == 0) {
          throw new IllegalArgumentException("a page run's length of whole pages is written in bytes");
        }
        PageRun run = new PageRun(start, lengthBytes, Math.addExact(sectionEnd, granules(distance)));
        end = run.end();
        sectionEnd = run.sectionEnd();
        return run;
      } catch (ArithmeticException e) {
        throw new IllegalArgumentException("a page run lies beyond 2^63", e);
      }
    }

    private static long granules(long count) {
      return Math.multiplyExact(count, PageRun.GRANULE_BYTES);
    }

    private long varint() {
      long value = 0;
      for (int shift = 0; shift < 64; shift += 7) {
        if (position == packed.length()) {
          throw new IllegalArgumentException("page runs end in the middle of one");
        }
        int unit = packed.u8(position++);
        value |= (long) (unit & 0x7f) << shift;
        if (unit < 0x80) {
          return value;
        }
      }
      throw new IllegalArgumentException("a number in page runs is longer than 10 bytes");
    }
  }
}
