package stasis.repository;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.zip.CRC32C;

/// The page section of an image being written: bytes in the order the page maps promised. For one thread, which fills
/// one buffer while another thread sums and writes the one before.
final class FolderSink implements PageSink {
  /// Given to one write(2); a multiple of the CRC's chunk.
  private static final int BUFFER_BYTES = 4 << 20;
  private static final int BUFFERS = 3;

  private final Output output;
  private final Optional<DirectFile> direct;
  private final Path folder;
  private final Layout layout;
  private final ByteBuffer table;
  private final CRC32C crc = new CRC32C();
  private final MessageDigest sha256 = Layout.sha256();
  private final ByteArrayOutputStream digests = new ByteArrayOutputStream();
  private final Arena arena = Arena.ofShared();
  private final Optional<ExecutorService> writer;
  private final Deque<MemorySegment> free = new ArrayDeque<>();
  private final Deque<Future<MemorySegment>> underWay = new ArrayDeque<>();
  private Optional<MemorySegment> current = Optional.empty();
  private long inCurrentBytes;
  private long filledBytes;
  /// Only of whoever writes: the other thread where there is one.
  private long writtenBytes;
  private boolean closed;

  /// Where the section goes: a file, or a stream.
  @FunctionalInterface
  interface Output {
    /// Writes all that remains. @param offset in the statefile: where the call before ended
    void write(ByteBuffer bytes, long offset) throws IOException;
  }

  /// @param direct the same file past the page cache, where that is wanted
  FolderSink(Output output, Optional<DirectFile> direct, Path folder, Layout layout) {
    this.output = output;
    this.direct = direct;
    this.folder = folder;
    this.layout = layout;
    this.table = ByteBuffer.allocate(4 * layout.chunks()).order(ByteOrder.LITTLE_ENDIAN);
    boolean small = layout.pageBytes() <= BUFFER_BYTES;
    this.writer = small ? Optional.empty() : Optional.of(Executors.newSingleThreadExecutor(
        Thread.ofPlatform().name("stasis-page-writer").daemon().factory()));
    for (int i = 0; i < (small ? 1 : BUFFERS) && layout.pageBytes() > 0; i++) {
      free.add(arena.allocate(Math.min(BUFFER_BYTES, layout.pageBytes()), Layout.ALIGNMENT_BYTES));
    }
  }

  Layout layout() {
    return layout;
  }

  @Override
  public long position() {
    return filledBytes;
  }

  @Override
  public MemorySegment room() throws ImageException {
    if (filledBytes == layout.pageBytes()) {
      throw new IllegalStateException("more pages than the " + layout.pageBytes() + " bytes announced");
    }
    MemorySegment buffer = current.isPresent() ? current.get() : next();
    current = Optional.of(buffer);
    long rest = Math.min(buffer.byteSize() - inCurrentBytes, layout.pageBytes() - filledBytes);
    return buffer.asSlice(inCurrentBytes, rest);
  }

  @Override
  public void filled(long lengthBytes) throws ImageException {
    inCurrentBytes += lengthBytes;
    filledBytes += lengthBytes;
    if (current.isPresent() && (inCurrentBytes == current.get().byteSize() || filledBytes == layout.pageBytes())) {
      MemorySegment buffer = current.get();
      long used = inCurrentBytes;
      current = Optional.empty();
      inCurrentBytes = 0;
      if (writer.isPresent()) {
        underWay.add(writer.get().submit(() -> put(buffer, used)));
      } else {
        free.add(put(buffer, used));
      }
    }
  }

  @Override
  public void write(MemorySegment pages) throws ImageException {
    if (pages.byteSize() > layout.pageBytes() - filledBytes) {
      throw new IllegalStateException("more pages than the " + layout.pageBytes() + " bytes announced");
    }
    PageSink.super.write(pages);
  }

  private MemorySegment next() throws ImageException {
    return free.isEmpty() ? await(underWay.remove()) : free.remove();
  }

  private MemorySegment await(Future<MemorySegment> write) throws ImageException {
    try {
      return write.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof ImageException failed) {
        throw failed;
      }
      throw new AssertionError("the page writer broke", e.getCause());
    } catch (InterruptedException | CancellationException e) {
      Thread.currentThread().interrupt();
      throw new ImageException(ImageException.Reason.CANCELLED, "writing pages was cancelled", "run it again", e);
    }
  }

  /// @return the buffer, free again
  private MemorySegment put(MemorySegment buffer, long lengthBytes) throws ImageException {
    MemorySegment filled = buffer.asSlice(0, lengthBytes);
    ByteBuffer bytes = filled.asByteBuffer();
    long at = layout.pageOffset() + writtenBytes;
    sum(bytes.duplicate());
    try {
      if (direct.isPresent() && direct.get().write(filled, at)) {
        return buffer;
      }
      output.write(bytes, at);
    } catch (IOException e) {
      throw Faults.of(e, "cannot write pages", folder);
    }
    return buffer;
  }

  /// Buffers begin where chunks do.
  private void sum(ByteBuffer rest) {
    int end = rest.limit();
    while (rest.position() < end) {
      int part = Math.min(end - rest.position(), Layout.CHUNK_BYTES);
      crc.reset();
      crc.update(rest.limit(rest.position() + part));
      writtenBytes += part;
      table.putInt((int) crc.getValue());
      if (layout.signed()) {
        sha256.update(rest.position(rest.position() - part));
        digests.writeBytes(sha256.digest());
      }
    }
  }

  /// @return one CRC32C per MiB of the section, once all of it is written
  ByteBuffer table() throws ImageException {
    while (!underWay.isEmpty()) {
      free.add(await(underWay.remove()));
    }
    if (writtenBytes != layout.pageBytes()) {
      throw new IllegalStateException(filledBytes + " bytes of pages written of " + layout.pageBytes() + " announced");
    }
    return table.duplicate().order(ByteOrder.LITTLE_ENDIAN).flip();
  }

  /// SHA-256 of each MiB one behind the other, if it is to be signed; after [#table].
  byte[] digests() {
    return digests.toByteArray();
  }

  /// Waits for a write under way; buffers may no longer be used.
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      writer.ifPresent(ExecutorService::close);
      arena.close();
    }
  }
}
