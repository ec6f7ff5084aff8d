package stasis.repository;

import java.util.Iterator;


/// Where the page section is cut into pieces: at each multiple of 64 KiB of addresses or offsets, and between bodies.
final class Cuts {
  private static final int WINDOW_SHIFT = 16;
  /// Of stretches that nobody announced.
  private static final int NO_BODY = -1;

  private final Iterator<ImageContent.Stretch> stretches;
  private long unannouncedBytes;
  private ImageContent.Stretch current = new ImageContent.Stretch(NO_BODY, 0, 0);
  private long doneOfCurrent;

  /// @param pageBytes what the pieces add up to
  Cuts(Iterable<ImageContent.Stretch> stretches, long pageBytes) {
    this.stretches = stretches.iterator();
    this.unannouncedBytes = pageBytes;
  }

  /// @return length of the next piece in bytes, 0 after the last
  int next() {
    int length = 0;
    int body = NO_BODY;
    long window = 0;
    while (length < Pack.MAX_CHUNK_BYTES && available()) {
      long at = current.start() + doneOfCurrent;
      if (length > 0 && (current.body() != body || at >>> WINDOW_SHIFT != window)) {
        return length;
      }
      body = current.body();
      window = at >>> WINDOW_SHIFT;
      long rest = Math.min(current.storedBytes() - doneOfCurrent, ((window + 1) << WINDOW_SHIFT) - at);
      int part = (int) Math.min(rest, Pack.MAX_CHUNK_BYTES - length);
      length += part;
      doneOfCurrent += part;
    }
    return length;
  }

  /// Goes on to the stretch that has bytes left.
  private boolean available() {
    while (doneOfCurrent == current.storedBytes()) {
      if (unannouncedBytes == 0) {
        return false;
      }
      current = stretches.hasNext() ? fitting(stretches.next())
          : new ImageContent.Stretch(NO_BODY, 0, unannouncedBytes);
      unannouncedBytes -= current.storedBytes();
      doneOfCurrent = 0;
    }
    return true;
  }

  private ImageContent.Stretch fitting(ImageContent.Stretch stretch) {
    if (stretch.storedBytes() < 0 || stretch.storedBytes() % Layout.ALIGNMENT_BYTES != 0
        || stretch.start() % Layout.ALIGNMENT_BYTES != 0 || stretch.storedBytes() > unannouncedBytes) {
      throw new IllegalArgumentException("no stretch of the page section: " + stretch);
    }
    return stretch;
  }

}
