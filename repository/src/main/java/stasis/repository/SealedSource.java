package stasis.repository;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import javax.crypto.AEADBadTagException;

/// A statefile that is closed, read through the key.
final class SealedSource implements ByteSource {
  private final Path file;
  private final FileChannel channel;
  private final Seal seal;
  private final byte[] key;
  private final byte[] context;
  private final Queue<Worker> idle = new ConcurrentLinkedQueue<>();

  /// @param imageKey from the box
  SealedSource(Path file, FileChannel channel, Seal seal, byte[] imageKey) {
    this.file = file;
    this.channel = channel;
    this.seal = seal;
    this.key = Seal.segmentKey(imageKey);
    this.context = seal.context();
  }

  /// What one thread needs. Remembers the segment it opened last: readers go on where they were.
  private static final class Worker {
    private final Gcm gcm = new Gcm();
    private final ByteBuffer closed = ByteBuffer.allocate(Seal.CLOSED_BYTES);
    private final ByteBuffer plain = ByteBuffer.allocate(Seal.SEGMENT_BYTES);
    private int holds = -1;
  }

  @Override
  public long size() {
    return seal.innerBytes();
  }

  @Override
  public void read(long offset, ByteBuffer into) throws IOException, ImageException {
    if (offset < 0 || into.remaining() > seal.innerBytes() - offset) {
      throw new IOException("the file became shorter while it was read");
    }
    Worker polled = idle.poll();
    Worker worker = polled == null ? new Worker() : polled;
    try {
      for (long at = offset; into.hasRemaining();) {
        int segment = (int) (at / Seal.SEGMENT_BYTES);
        open(segment, worker);
        int from = (int) (at % Seal.SEGMENT_BYTES);
        int part = Math.min(into.remaining(), worker.plain.limit() - from);
        into.put(worker.plain.slice(from, part));
        at += part;
      }
    } finally {
      idle.add(worker);
    }
  }

  private void open(int segment, Worker worker) throws IOException, ImageException {
    if (worker.holds == segment) {
      return;
    }
    worker.holds = -1;
    int plainBytes = seal.plainBytes(segment);
    worker.closed.clear().limit(plainBytes + Gcm.TAG_BYTES);
    FolderReader.readFully(channel, seal.offset(segment), worker.closed);
    worker.plain.clear();
    try {
      worker.gcm.open(key, seal.nonce(segment), context, worker.closed.flip(), worker.plain);
    } catch (AEADBadTagException e) {
      throw FolderReader.damaged(file, "is damaged, or was changed, at bytes " + seal.offset(segment) + " to "
          + (seal.offset(segment) + plainBytes + Gcm.TAG_BYTES));
    }
    worker.plain.flip();
    worker.holds = segment;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
