package stasis.repository;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/// Takes pages, cuts them into pieces, and has a thread for each processor name and compress them. Buffers hold whole
/// pieces; their number bounds the memory.
final class ChunkSink implements PageSink {
  private static final int BUFFER_BYTES = 4 << 20;
  private static final int PAGE = Layout.ALIGNMENT_BYTES;
  private static final byte[] ZEROS = new byte[PAGE];
  private static final int MAX_THREADS = 8;

  private final long comingBytes;
  private final Cuts cuts;
  private final KeptPieces keeping;
  private final ChunkMap.Builder map;
  private final PackWriter packs;
  private final Vault vault;
  private final Arena arena = Arena.ofShared();
  private final ExecutorService workers;
  private final int maxSlots;
  private final Deque<Slot> free = new ArrayDeque<>();
  private final Deque<Future<Slot>> underWay = new ArrayDeque<>();
  private final List<Slot> slots = new ArrayList<>();
  private Optional<Slot> current = Optional.empty();
  private long filledBytes;
  private int nextCut;
  private boolean closed;

  /// A piece to come. @param kept what it is already; empty: its pages are in the buffer
  private record Planned(int lengthBytes, Optional<ChunkMap.Piece> kept) {}

  /// A buffer, with what it takes to work it off.
  private static final class Slot {
    private final MemorySegment buffer;
    private final ChunkPacker packer;
    private final byte[] piece = new byte[Pack.MAX_CHUNK_BYTES];
    private final List<Planned> planned = new ArrayList<>();
    private final List<ChunkMap.Piece> pieces = new ArrayList<>();
    private long plannedBytes;
    private long inBytes;

    Slot(MemorySegment buffer, ChunkPacker packer) {
      this.buffer = buffer;
      this.packer = packer;
    }

    /// Names every piece and has what is new stored. @return itself
    Slot work() throws ImageException {
      long at = 0;
      for (Planned next : planned) {
        if (next.kept().isPresent()) {
          pieces.add(next.kept().get());
        } else {
          MemorySegment.copy(buffer, at, MemorySegment.ofArray(piece), 0, next.lengthBytes());
          pieces.add(store(next.lengthBytes()));
          at += next.lengthBytes();
        }
      }
      return this;
    }

    private ChunkMap.Piece store(int lengthBytes) throws ImageException {
      int mask = 0;
      int kept = 0;
      for (int page = 0; page * PAGE < lengthBytes; page++) {
        int from = page * PAGE;
        if (!Arrays.equals(piece, from, from + PAGE, ZEROS, 0, PAGE)) {
          mask |= 1 << page;
          if (kept < from) {
            System.arraycopy(piece, from, piece, kept, PAGE);
          }
          kept += PAGE;
        }
      }
      return mask == 0 ? ChunkMap.Piece.zeros(lengthBytes / PAGE)
          : new ChunkMap.Piece(mask, lengthBytes / PAGE, packer.store(piece, 0, kept));
    }
  }

  ChunkSink(ImageContent content, Optional<EarlierChunks> earlier, PackWriter packs, Vault vault,
      ChunkMap.Builder map) {
    this.comingBytes = content.comingBytes();
    this.keeping = new KeptPieces(content.kept(), earlier);
    this.cuts = new Cuts(content.stretches(), content.pageBytes());
    this.map = map;
    this.packs = packs;
    this.vault = vault;
    int threads = Math.clamp(Runtime.getRuntime().availableProcessors(), 1, MAX_THREADS);
    this.maxSlots = threads + 2;
    this.workers = Executors.newFixedThreadPool(threads,
        Thread.ofPlatform().name("stasis-chunks-", 0).daemon().factory());
    this.nextCut = cuts.next();
  }

  @Override
  public long position() {
    return filledBytes;
  }

  @Override
  public MemorySegment room() throws ImageException {
    if (filledBytes == comingBytes) {
      throw new IllegalStateException("more pages than the " + comingBytes + " bytes announced");
    }
    Slot slot = current.isPresent() ? current.get() : begin();
    return slot.buffer.asSlice(slot.inBytes, slot.plannedBytes - slot.inBytes);
  }

  private Slot begin() throws ImageException {
    Slot slot = free.isEmpty() ? slots.size() < maxSlots ? made() : next() : free.remove();
    slot.planned.clear();
    slot.pieces.clear();
    slot.inBytes = 0;
    slot.plannedBytes = 0;
    while (nextCut > 0) {
      Optional<ChunkMap.Piece> kept = keeping.next(nextCut);
      if (kept.isEmpty()) {
        if (slot.plannedBytes + nextCut > slot.buffer.byteSize()) {
          break;
        }
        slot.plannedBytes += nextCut;
      }
      slot.planned.add(new Planned(nextCut, kept));
      keeping.taken(nextCut);
      nextCut = cuts.next();
    }
    current = Optional.of(slot);
    return slot;
  }

  private Slot made() {
    long bytes = Math.clamp(comingBytes, Pack.MAX_CHUNK_BYTES, BUFFER_BYTES);
    Slot slot = new Slot(arena.allocate(bytes, PAGE), new ChunkPacker(packs, vault));
    slots.add(slot);
    return slot;
  }

  @Override
  public void filled(long lengthBytes) {
    Slot slot = current.orElseThrow(() -> new IllegalStateException("nobody asked for room"));
    slot.inBytes += lengthBytes;
    filledBytes += lengthBytes;
    if (slot.inBytes == slot.plannedBytes) {
      current = Optional.empty();
      underWay.add(workers.submit(slot::work));
    }
  }

  /// The oldest slot, worked off.
  private Slot next() throws ImageException {
    try {
      Slot slot = underWay.remove().get();
      for (ChunkMap.Piece piece : slot.pieces) {
        map.add(piece);
      }
      return slot;
    } catch (ExecutionException e) {
      if (e.getCause() instanceof ImageException failed) {
        throw failed;
      }
      throw new AssertionError("naming chunks broke", e.getCause());
    } catch (InterruptedException | CancellationException e) {
      Thread.currentThread().interrupt();
      throw new ImageException(ImageException.Reason.CANCELLED, "writing pages was cancelled", "run it again", e);
    }
  }

  /// Waits for all of it. @return the parts of the chunk map
  List<Manifest.Part> finish() throws ImageException {
    if (filledBytes != comingBytes) {
      throw new IllegalStateException(filledBytes + " bytes of pages written of " + comingBytes + " announced");
    }
    while (!underWay.isEmpty()) {
      free.add(next());
    }
    for (; nextCut > 0; nextCut = cuts.next()) {
      map.add(keeping.next(nextCut).orElseThrow());
      keeping.taken(nextCut);
    }
    return map.finish();
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      workers.close();
      slots.forEach(slot -> slot.packer.close());
      arena.close();
    }
  }
}
