package stasis.engine;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.BitSet;
import stasis.linux.abi.Bytes;
import stasis.repository.ImageException;
import stasis.repository.ImageReader;
import stasis.repository.PageSource;

/// An image as another process of the engine hands it on: opened, checked, and its pages laid out in a file.
final class ProofImage implements ImageReader {
  private final Path file;
  private final FileChannel channel;
  private final ProofOrder order;

  /// @param file the pages, as this process can open them
  ProofImage(Path file, ProofOrder order) throws IOException {
    this.file = file;
    this.channel = FileChannel.open(file, StandardOpenOption.READ);
    this.order = order;
  }

  @Override
  public Bytes metadata() {
    return order.metadata();
  }

  @Override
  public long pageBytes() {
    return order.pageBytes();
  }

  @Override
  public long fileBytes() {
    return order.metadata().length() + order.pageBytes();
  }

  @Override
  public void readPages(long sectionOffset, ByteBuffer into) throws ImageException {
    try {
      for (long at = order.pageOffset() + sectionOffset; into.hasRemaining();) {
        int count = channel.read(into, at);
        if (count <= 0) {
          throw new IOException("it became shorter");
        }
        at += count;
      }
    } catch (IOException e) {
      throw new ImageException(ImageException.Reason.DEVICE, "cannot read the image's pages: " + e.getMessage(), "");
    }
  }

  @Override
  public PageSource pages() {
    return new PageSource() {
      @Override
      public MemorySegment chunk(int index, MemorySegment buffer) throws ImageException {
        long offset = (long) index * CHUNK_BYTES;
        MemorySegment filled = buffer.asSlice(0, Math.min(CHUNK_BYTES, order.pageBytes() - offset));
        readPages(offset, filled.asByteBuffer());
        return filled;
      }

      @Override
      public void close() {}
    };
  }

  /// Was done by who handed it on.
  @Override
  public void verifyPages(int threads, BitSet without) {}

  @Override
  public Path pageFile() {
    return file;
  }

  @Override
  public long pageOffset() {
    return order.pageOffset();
  }

  @Override
  public void close() throws ImageException {
    try {
      channel.close();
    } catch (IOException e) {
      throw new ImageException(ImageException.Reason.DEVICE, "cannot close the image: " + e.getMessage(), "");
    }
  }
}
