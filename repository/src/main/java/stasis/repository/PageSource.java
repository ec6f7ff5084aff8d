package stasis.repository;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

/// The page section of an image read in whole chunks, each checked against its CRC, past the page cache where the
/// section is long. May be used by several threads at once.
public final class PageSource implements AutoCloseable {
  /// What is checked as one.
  public static final int CHUNK_BYTES = Layout.CHUNK_BYTES;
  /// Of the buffer a chunk is read into.
  public static final int ALIGNMENT_BYTES = Layout.ALIGNMENT_BYTES;

  private final ImageReader image;
  private final Layout layout;
  private final ByteBuffer table;
  private final Optional<DirectFile> direct;

  private PageSource(ImageReader image, Layout layout, ByteBuffer table, Optional<DirectFile> direct) {
    this.image = image;
    this.layout = layout;
    this.table = table;
    this.direct = direct;
  }

  static PageSource open(ImageReader image, Layout layout, ByteBuffer table) {
    return new PageSource(image, layout, table.duplicate().order(ByteOrder.LITTLE_ENDIAN),
        layout.pageBytes() < Layout.DIRECT_FROM_BYTES ? Optional.empty()
            : DirectFile.open(image.pageFile(), false));
  }

  /// @param buffer of CHUNK_BYTES, aligned
  /// @return the part of the buffer that is filled
  /// @throws ImageException also when the chunk is not what was written
  public MemorySegment chunk(int index, MemorySegment buffer) throws ImageException {
    long offset = (long) index * CHUNK_BYTES;
    MemorySegment filled = buffer.asSlice(0, Math.min(CHUNK_BYTES, layout.pageBytes() - offset));
    try {
      if (direct.isEmpty() || !direct.get().read(filled, layout.pageOffset() + offset)) {
        image.readPages(offset, filled.asByteBuffer());
      }
    } catch (IOException e) {
      throw Faults.of(e, "cannot read pages", image.pageFile());
    }
    if (Layout.crc(filled.asByteBuffer()) != table.getInt(4 * index)) {
      throw image.damagedChunk(index);
    }
    return filled;
  }

  @Override
  public void close() {
    direct.ifPresent(DirectFile::close);
  }
}
