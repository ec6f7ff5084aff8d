package stasis.repository;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

/// The page section of an image read in whole chunks, each checked against its CRC, past the page cache where the
/// section is long and not in there. May be used by several threads at once.
final class FolderSource implements PageSource {
  private final FolderReader image;
  private final Layout layout;
  private final ByteBuffer table;
  private final Optional<DirectFile> direct;

  private FolderSource(FolderReader image, Layout layout, ByteBuffer table, Optional<DirectFile> direct) {
    this.image = image;
    this.layout = layout;
    this.table = table;
    this.direct = direct;
  }

  static FolderSource open(FolderReader image, Layout layout, ByteBuffer table) {
    return new FolderSource(image, layout, table.duplicate().order(ByteOrder.LITTLE_ENDIAN),
        !image.isPlain() || layout.pageBytes() < Layout.DIRECT_FROM_BYTES ? Optional.empty() : direct(image, layout));
  }

  private static Optional<DirectFile> direct(FolderReader image, Layout layout) {
    Optional<DirectFile> file = DirectFile.open(image.file(), false);
    if (file.isPresent() && file.get().isMostlyCached(layout.pageOffset(), layout.pageBytes())) {
      file.get().close();
      return Optional.empty();
    }
    return file;
  }

  @Override
  public int readersForEachCpu() {
    return direct.isPresent() ? 2 : 1;
  }

  @Override
  public MemorySegment chunk(int index, MemorySegment buffer) throws ImageException {
    long offset = (long) index * CHUNK_BYTES;
    MemorySegment filled = buffer.asSlice(0, Math.min(CHUNK_BYTES, layout.pageBytes() - offset));
    try {
      if (direct.isEmpty() || !direct.get().read(filled, layout.pageOffset() + offset)) {
        image.readPages(offset, filled.asByteBuffer());
      }
    } catch (IOException e) {
      throw Faults.of(e, "cannot read pages", image.file());
    }
    if (!image.isWhole(index, table.getInt(4 * index), filled.asByteBuffer())) {
      throw image.damagedChunk(index);
    }
    return filled;
  }

  @Override
  public void close() {
    direct.ifPresent(DirectFile::close);
  }
}
