package stasis.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;

/// A copy of shared memory that is made block by block while the memory is write-protected: a block that is asked for
/// is copied first. Whoever lifts the protection of a block has it copied before. Any thread may use it.
final class ProtectedBody {
  /// What one fault has copied and set free. Of 16 pages: a fault costs two switches between processes anyhow.
  static final long BLOCK_BYTES = 64 << 10;
  static final int CHUNK_BYTES = 1 << 20;
  private static final byte WANTED = 0;
  private static final byte BUSY = 1;
  private static final byte DONE = 2;

  private final BodySource source;
  private final long memfd;
  private final List<BodySource.Data> data;
  private final byte[] blocks;
  private Optional<String> failure = Optional.empty();

  private ProtectedBody(BodySource source, long memfd, List<BodySource.Data> data, long sizeBytes) {
    this.source = source;
    this.memfd = memfd;
    this.data = List.copyOf(data);
    this.blocks = new byte[Math.toIntExact((sizeBytes + BLOCK_BYTES - 1) / BLOCK_BYTES)];
  }

  /// To be called while nobody can write: what is a hole now stays one in the copy.
  ///
  /// @param memfd of the size of the body and empty; closed with [#held]
  static ProtectedBody of(BodySource source, long memfd, long sizeBytes) throws SyscallException {
    var body = new ProtectedBody(source, memfd, source.data(), sizeBytes);
    Arrays.fill(body.blocks, DONE);
    for (BodySource.Data stretch : body.data) {
      Arrays.fill(body.blocks, block(stretch.start()), block(stretch.start() + stretch.lengthBytes() - 1) + 1, WANTED);
    }
    return body;
  }

  private static int block(long offset) {
    return Math.toIntExact(offset / BLOCK_BYTES);
  }

  /// The contents as they were.
  BodySource held() {
    return source.heldIn(memfd, this);
  }

  List<BodySource.Data> data() {
    return data;
  }

  /// Whether the copy has all of this already.
  synchronized boolean has(long offset, long lengthBytes) {
    int end = Math.min(block(offset + lengthBytes - 1) + 1, blocks.length);
    for (int at = block(offset); at < end; at++) {
      if (blocks[at] != DONE) {
        return false;
      }
    }
    return true;
  }

  /// Returns when the copy has all of this.
  ///
  /// @param chunk of CHUNK_BYTES, of the caller's own
  void copy(long offset, long lengthBytes, MemorySegment chunk) throws SyscallException {
    int end = Math.min(block(offset + lengthBytes - 1) + 1, blocks.length);
    int at = block(offset);
    while (at < end) {
      int claimed = claim(at, end);
      if (claimed > 0) {
        boolean copied = false;
        try {
          long start = at * BLOCK_BYTES;
          source.copyTo(memfd, start, Math.min(start + claimed * BLOCK_BYTES, sizeBytes()) - start, chunk);
          copied = true;
        } finally {
          settle(at, claimed, copied);
        }
      }
      at += Math.max(claimed, 1);
    }
  }

  private long sizeBytes() {
    return data.isEmpty() ? 0 : data.getLast().start() + data.getLast().lengthBytes();
  }

  /// Waits for a block that another copies.
  ///
  /// @return how many from here on are to be copied by the caller; 0: this one is there
  private synchronized int claim(int at, int end) throws SyscallException {
    while (blocks[at] == BUSY && failure.isEmpty()) {
      try {
        wait();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new SyscallException(Nr.PREAD64, Errno.EINTR, "hold shared memory");
      }
    }
    if (failure.isPresent()) {
      throw new SyscallException(Nr.PREAD64, Errno.EIO, "hold shared memory: " + failure.get());
    }
    int count = 0;
    while (at + count < end && blocks[at + count] == WANTED && (count + 1) * BLOCK_BYTES <= CHUNK_BYTES) {
      blocks[at + count] = BUSY;
      count++;
    }
    return count;
  }

  private synchronized void settle(int at, int count, boolean copied) {
    Arrays.fill(blocks, at, at + count, copied ? DONE : WANTED);
    notifyAll();
  }

  /// What has not been copied by now is lost.
  synchronized void fail(String why) {
    failure = Optional.of(why);
    notifyAll();
  }

  /// For a reader that has no chunk at hand.
  void copy(long offset, long lengthBytes) throws SyscallException {
    if (!has(offset, lengthBytes)) {
      try (Arena arena = Arena.ofConfined()) {
        copy(offset, lengthBytes, arena.allocate(CHUNK_BYTES, 4096));
      }
    }
  }
}
