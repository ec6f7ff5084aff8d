package stasis.repository;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.zip.CRC32C;

/// The page section of an image being written: bytes in the order the page maps promised. For one thread.
public final class PageSink {
  /// Given to one write(2): large enough for large folios, and summed while it is in the cache of the last level.
  private static final int SLICE_BYTES = 8 << 20;

  private final FileChannel channel;
  private final Path folder;
  private final Layout layout;
  private final ByteBuffer table;
  private final CRC32C crc = new CRC32C();
  private long written;

  PageSink(FileChannel channel, Path folder, Layout layout) {
    this.channel = channel;
    this.folder = folder;
    this.layout = layout;
    this.table = ByteBuffer.allocate(4 * layout.chunks()).order(ByteOrder.LITTLE_ENDIAN);
  }

  Layout layout() {
    return layout;
  }

  /// @return bytes written so far: the section offset of the next one
  public long position() {
    return written;
  }

  /// Writes a whole segment. Off-heap memory goes to write(2) without a copy.
  public void write(MemorySegment pages) throws ImageException {
    for (long done = 0; done < pages.byteSize(); ) {
      long sliceBytes = Math.min(SLICE_BYTES, pages.byteSize() - done);
      writeSlice(pages.asSlice(done, sliceBytes).asByteBuffer());
      done += sliceBytes;
    }
  }

  /// Writes what remains in the buffer.
  public void write(ByteBuffer pages) throws ImageException {
    write(MemorySegment.ofBuffer(pages));
    pages.position(pages.limit());
  }

  /// Zeros up to the next multiple of 4096, after a run that does not end there.
  public void pad() throws ImageException {
    write(ByteBuffer.allocate((int) (Layout.aligned(written) - written)));
  }

  private void writeSlice(ByteBuffer slice) throws ImageException {
    if (slice.remaining() > layout.pageBytes() - written) {
      throw new IllegalStateException("more pages than the " + layout.pageBytes() + " bytes announced");
    }
    sum(slice.duplicate());
    try {
      while (slice.hasRemaining()) {
        channel.write(slice);
      }
    } catch (IOException e) {
      throw Faults.of(e, "cannot write pages", folder);
    }
  }

  /// Adds to the CRC of the chunk at hand, and begins the next one at its end.
  private void sum(ByteBuffer rest) {
    int end = rest.limit();
    while (rest.position() < end) {
      int part = (int) Math.min(end - rest.position(), Layout.CHUNK_BYTES - written % Layout.CHUNK_BYTES);
      crc.update(rest.limit(rest.position() + part));
      written += part;
      if (written % Layout.CHUNK_BYTES == 0 || written == layout.pageBytes()) {
        table.putInt((int) crc.getValue());
        crc.reset();
      }
    }
  }

  /// @return one CRC32C per MiB of the section, once all of it is written
  ByteBuffer table() {
    if (written != layout.pageBytes()) {
      throw new IllegalStateException(written + " bytes of pages written of " + layout.pageBytes() + " announced");
    }
    return table.duplicate().order(ByteOrder.LITTLE_ENDIAN).flip();
  }
}
