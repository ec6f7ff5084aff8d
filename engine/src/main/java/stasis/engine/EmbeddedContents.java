package stasis.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.zip.CRC32;
import java.util.zip.CRC32C;
import stasis.image.ObjectId;
import stasis.image.PageMap;
import stasis.image.PageRun;
import stasis.image.PageRuns;
import stasis.image.Statefile;
import stasis.repository.ImageException;
import stasis.repository.PageSource;

/// Contents of bodies as they lie in an image, each MiB of it checked as it is read.
final class EmbeddedContents implements AutoCloseable {
  private static final int ZEROS_BYTES = 1 << 16;

  private final Pages pages;
  private final Map<ObjectId, PageRuns> runs = new HashMap<>();
  private Optional<PageSource> open = Optional.empty();

  /// Where they can be had.
  interface Pages {
    PageSource open() throws ImageException;
  }

  EmbeddedContents(Pages pages, Statefile statefile) {
    this.pages = pages;
    for (PageMap map : statefile.pageMaps()) {
      runs.put(map.body(), map.runs());
    }
  }

  /// Takes stored bytes.
  interface Taker<X extends Exception> {
    /// @param offset in the body
    void take(long offset, MemorySegment bytes) throws X;
  }

  /// What is stored of `[from, to)`, in order, in parts; the rest is zeros.
  <X extends Exception> void each(ObjectId body, long from, long to, Taker<X> taker) throws X, ImageException {
    PageSource source = open.isPresent() ? open.get() : pages.open();
    open = Optional.of(source);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(PageSource.CHUNK_BYTES, PageSource.ALIGNMENT_BYTES);
      PageRuns.Cursor cursor = runs.getOrDefault(body, PageRuns.NONE).cursor();
      int held = -1;
      MemorySegment chunk = buffer;
      while (cursor.hasNext()) {
        PageRun run = cursor.next();
        long end = Math.min(to, run.end());
        for (long at = Math.max(from, run.start()); at < end;) {
          long place = run.sectionOffset() + at - run.start();
          int index = Math.toIntExact(place / PageSource.CHUNK_BYTES);
          if (index != held) {
            chunk = source.chunk(index, buffer);
            held = index;
          }
          long inChunk = place % PageSource.CHUNK_BYTES;
          long part = Math.min(end - at, chunk.byteSize() - inChunk);
          taker.take(at, chunk.asSlice(inChunk, part));
          at += part;
        }
      }
    }
  }

  /// As [stasis.resource.Host#checksum] of what is stored.
  long checksum(ObjectId body, long offset, long lengthBytes) throws ImageException {
    var sum = new Sum(offset);
    each(body, offset, offset + lengthBytes, sum::take);
    sum.zerosTo(offset + lengthBytes);
    return sum.value();
  }

  @Override
  public void close() {
    open.ifPresent(PageSource::close);
    open = Optional.empty();
  }

  /// CRC32C and CRC32 of bytes with holes.
  private static final class Sum {
    private final CRC32C upper = new CRC32C();
    private final CRC32 lower = new CRC32();
    private final byte[] zeros = new byte[ZEROS_BYTES];
    private long position;

    Sum(long from) {
      this.position = from;
    }

    void take(long offset, MemorySegment bytes) {
      zerosTo(offset);
      upper.update(bytes.asByteBuffer());
      lower.update(bytes.asByteBuffer());
      position += bytes.byteSize();
    }

    void zerosTo(long offset) {
      while (position < offset) {
        int part = (int) Math.min(ZEROS_BYTES, offset - position);
        upper.update(zeros, 0, part);
        lower.update(zeros, 0, part);
        position += part;
      }
    }

    long value() {
      return upper.getValue() << 32 | lower.getValue();
    }
  }
}
