package stasis.engine;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.repository.ImageException;
import stasis.repository.PageSink;
import stasis.tracee.MemoryFile;
import stasis.tracee.RemoteMemory;

/// Copies pieces into the page section, straight into the sink's buffers. Small stretches of one task's memory are read
/// together, however far apart; large ones so that shared pages stay shared ([MemoryFile]).
final class PageCopy implements AutoCloseable {
  private static final long PAGE = 4096;
  /// Of one step: so that whoever watches hears of it often.
  private static final long PART_BYTES = 1 << 20;
  private static final long LARGE_BYTES = 64 << 10;

  private final List<PageStore.Piece> pieces;
  private final PageSink sink;
  private Optional<MemoryFile> file = Optional.empty();
  private int next;
  private long doneOfNextBytes;

  PageCopy(List<PageStore.Piece> pieces, PageSink sink) {
    this.pieces = pieces;
    this.sink = sink;
  }

  boolean done() {
    return next == pieces.size();
  }

  /// Copies a MiB, or what is left, or a little less.
  void some() throws SyscallException, ImageException {
    MemorySegment room = sink.room();
    MemorySegment part = room.asSlice(0, Math.min(PART_BYTES, room.byteSize()));
    PageStore.Piece piece = pieces.get(next);
    if (piece.memory().isPresent() && piece.run().lengthBytes() >= LARGE_BYTES) {
      long length = Math.min(part.byteSize(), piece.run().lengthBytes() - doneOfNextBytes);
      file(piece.memory().get().task()).read(new RemoteAddress(piece.run().start() + doneOfNextBytes),
          part.asSlice(0, length));
      sink.filled(length);
      advance(piece, length);
      return;
    }
    if (piece.memory().isPresent()) {
      memory(piece.memory().get(), part);
      return;
    }
    long length = Math.min(part.byteSize(), piece.run().lengthBytes() - doneOfNextBytes);
    piece.reader().read(piece.run().start() + doneOfNextBytes, part.asSlice(0, length));
    sink.filled(length);
    advance(piece, length);
    if (doneOfNextBytes == 0 && piece.run().lengthBytes() % PAGE != 0) {
      sink.pad();
    }
  }

  private MemoryFile file(Tid task) throws SyscallException {
    if (file.filter(open -> open.task().equals(task)).isEmpty()) {
      close();
      file = Optional.of(new MemoryFile(task));
    }
    return file.orElseThrow();
  }

  private void memory(RemoteMemory memory, MemorySegment part) throws SyscallException, ImageException {
    List<RemoteAddress> starts = new ArrayList<>();
    List<Long> lengths = new ArrayList<>();
    long total = 0;
    while (total < part.byteSize() && next < pieces.size()
        && pieces.get(next).memory().filter(memory::equals).isPresent()
        && pieces.get(next).run().lengthBytes() < LARGE_BYTES) {
      PageStore.Piece piece = pieces.get(next);
      long length = Math.min(part.byteSize() - total, piece.run().lengthBytes() - doneOfNextBytes);
      starts.add(new RemoteAddress(piece.run().start() + doneOfNextBytes));
      lengths.add(length);
      total += length;
      advance(piece, length);
    }
    if (memory.gather(starts, lengths, part.asSlice(0, total)) < total) {
      // What the task may not read itself stops the call: one by one then, by force where needed.
      long at = 0;
      for (int i = 0; i < starts.size(); i++) {
        memory.read(starts.get(i), part.asSlice(at, lengths.get(i)));
        at += lengths.get(i);
      }
    }
    sink.filled(total);
  }

  private void advance(PageStore.Piece piece, long lengthBytes) {
    doneOfNextBytes += lengthBytes;
    if (doneOfNextBytes == piece.run().lengthBytes()) {
      next++;
      doneOfNextBytes = 0;
    }
  }

  @Override
  public void close() {
    file.ifPresent(MemoryFile::close);
    file = Optional.empty();
  }
}
