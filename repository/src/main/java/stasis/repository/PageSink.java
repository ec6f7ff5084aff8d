package stasis.repository;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/// The page section of an image being written: bytes in the order that was announced. For one thread, which fills one
/// buffer while others work on those before.
public interface PageSink extends AutoCloseable {
  /// @return bytes taken so far: the section offset of the next one
  long position();

  /// Where the next bytes are to be put, so that they need not be copied once more; at least one. [#filled] then tells
  /// how many they were.
  ///
  /// @throws ImageException also for what went wrong with bytes given before
  /// @throws IllegalStateException when all that was announced is there
  MemorySegment room() throws ImageException;

  /// The first bytes of what [#room] gave hold the next bytes of the section.
  void filled(long lengthBytes) throws ImageException;

  /// Writes a whole segment.
  default void write(MemorySegment pages) throws ImageException {
    for (long done = 0; done < pages.byteSize();) {
      MemorySegment room = room();
      long part = Math.min(room.byteSize(), pages.byteSize() - done);
      room.copyFrom(pages.asSlice(done, part));
      filled(part);
      done += part;
    }
  }

  /// Writes what remains in the buffer.
  default void write(ByteBuffer pages) throws ImageException {
    write(MemorySegment.ofBuffer(pages));
    pages.position(pages.limit());
  }

  /// Zeros up to the next multiple of 4096, after a run that does not end there.
  default void pad() throws ImageException {
    write(ByteBuffer.allocate((int) (Layout.aligned(position()) - position())));
  }

  /// Waits for what is under way; buffers may no longer be used.
  @Override
  void close();
}
