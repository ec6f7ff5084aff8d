package stasis.image;

/// A range of one memory body whose contents lie together in the page section.
///
/// @param start address of the range in an mm, or offset in a memory body; bytes, a multiple of 4096
/// @param lengthBytes more than 0; what follows it up to the next multiple of 4096 in the page section is zeros
/// @param sectionOffset where its first byte lies, from the start of the page section; a multiple of 4096
public record PageRun(long start, long lengthBytes, long sectionOffset) {
  /// Granule of starts and of places in the page section, on every arch.
  public static final int GRANULE_BYTES = 4096;

  public PageRun {
    if (start < 0 || start % GRANULE_BYTES != 0 || sectionOffset < 0 || sectionOffset % GRANULE_BYTES != 0
        || lengthBytes <= 0 || lengthBytes > Long.MAX_VALUE - GRANULE_BYTES - Math.max(start, sectionOffset)) {
      throw new IllegalArgumentException("not a page run: 0x" + Long.toHexString(start) + " + " + lengthBytes
          + " bytes at " + sectionOffset);
    }
  }

  /// @return end of the range, rounded up to the granule
  public long end() {
    return start + storedBytes();
  }

  /// @return end in the page section, padding included
  public long sectionEnd() {
    return sectionOffset + storedBytes();
  }

  /// Its length in the page section, padding included.
  public long storedBytes() {
    return (lengthBytes + GRANULE_BYTES - 1) / GRANULE_BYTES * GRANULE_BYTES;
  }
}
