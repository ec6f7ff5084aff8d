package stasis.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.NavigableMap;
import stasis.repository.ImageException;
import stasis.repository.PageSink;
import stasis.repository.PageSource;

/// Wipes secrets from pages that go through it. Holds back as much as a secret may reach into what comes next.
final class RedactingSink implements PageSink {
  private static final int BUFFER_BYTES = 1 << 20;

  private final PageSink inner;
  private final long pageBytes;
  private final SecretScan scan;
  private final NavigableMap<Long, Long> places;
  private final int overlapBytes;
  private final Marks marks = new Marks();
  private final Arena arena = Arena.ofShared();
  private final MemorySegment buffer;
  private final byte[] bytes;
  private int held;
  private long takenBytes;

  /// @param places of the section that are wiped whatever is there, by start, with their ends
  RedactingSink(PageSink inner, long pageBytes, SecretScan scan, NavigableMap<Long, Long> places) {
    this.inner = inner;
    this.pageBytes = pageBytes;
    this.scan = scan;
    this.places = places;
    this.overlapBytes = scan.overlapBytes();
    this.buffer = arena.allocate((long) BUFFER_BYTES + overlapBytes, PageSource.ALIGNMENT_BYTES);
    this.bytes = new byte[BUFFER_BYTES + overlapBytes];
  }

  @Override
  public long position() {
    return takenBytes;
  }

  @Override
  public MemorySegment room() {
    if (takenBytes == pageBytes) {
      throw new IllegalStateException("more pages than the " + pageBytes + " bytes announced");
    }
    return buffer.asSlice(held, Math.min(BUFFER_BYTES, pageBytes - takenBytes));
  }

  @Override
  public void filled(long lengthBytes) throws ImageException {
    long at = takenBytes - held;
    int length = held + (int) lengthBytes;
    takenBytes += lengthBytes;
    MemorySegment.copy(buffer, 0, MemorySegment.ofArray(bytes), 0, length);
    scan.scan(bytes, length, at, marks);
    for (Map.Entry<Long, Long> place : places.headMap(at + length, false).entrySet()) {
      if (place.getValue() > at) {
        marks.add(place.getKey(), place.getValue());
      }
    }
    int done = takenBytes == pageBytes ? length : Math.max(0, length - overlapBytes);
    if (marks.wipe(bytes, at, done)) {
      inner.write(MemorySegment.ofArray(bytes).asSlice(0, done));
    } else {
      inner.write(buffer.asSlice(0, done));
    }
    held = length - done;
    MemorySegment.copy(buffer, done, buffer, 0, held);
  }

  @Override
  public void close() {
    arena.close();
  }
}
