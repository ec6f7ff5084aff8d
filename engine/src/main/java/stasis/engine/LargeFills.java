package stasis.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import stasis.image.PageRun;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.repository.ImageException;
import stasis.repository.PageSource;
import stasis.resource.Program;
import stasis.resource.Step;
import stasis.tracee.RemoteMemory;
import stasis.tracee.stub.Stub;

/// Fills with much to put in: the engine's own threads read, check and write them, one pass for all three, where a stub
/// would read alone what had been read once before to be checked.
final class LargeFills {
  private static final long LARGE_BYTES = 16L << 20;
  private static final int MAX_THREADS = 16;

  private final ImageSource image;
  private final Set<Step.Fill> fresh;

  /// A stretch of the section and where it goes.
  private record Piece(long sectionOffset, long lengthBytes, RemoteAddress to) {}

  private LargeFills(ImageSource image, Set<Step.Fill> fresh) {
    this.image = image;
    this.fresh = Set.copyOf(fresh);
  }

  static LargeFills of(Program program, Capture capture, ImageSource image) {
    var fills = new LargeFills(image, Set.of());
    for (Step step : program.steps()) {
      if (fills.takes(step)) {
        return new LargeFills(image, FreshMemory.fills(program, capture));
      }
    }
    return fills;
  }

  ImageSource image() {
    return image;
  }

  /// Whether this step is for [#run].
  boolean takes(Step step) {
    return step instanceof Step.Fill fill && !fill.forced() && fill.lengthBytes() >= LARGE_BYTES
        && bytes(pieces(fill)) >= LARGE_BYTES;
  }

  /// The chunks of the section of which some steps will have taken every byte when the program is through, reading and
  /// checking by themselves: nobody else has to check or to find them.
  BitSet taken(Program program, Predicate<Step> by) {
    Map<Integer, Long> takenBytes = new HashMap<>();
    for (Step step : program.steps()) {
      if (by.test(step)) {
        for (Piece piece : pieces((Step.Fill) step)) {
          for (int chunk = first(piece); chunk <= last(piece); chunk++) {
            long start = (long) chunk * PageSource.CHUNK_BYTES;
            long end = Math.min(start + PageSource.CHUNK_BYTES, piece.sectionOffset() + piece.lengthBytes());
            takenBytes.merge(chunk, end - Math.max(start, piece.sectionOffset()), Long::sum);
          }
        }
      }
    }
    var chunks = new BitSet();
    takenBytes.forEach((chunk, bytes) -> chunks.set(chunk, bytes == PageSource.CHUNK_BYTES));
    return chunks;
  }

  private static int first(Piece piece) {
    return (int) (piece.sectionOffset() / PageSource.CHUNK_BYTES);
  }

  private static int last(Piece piece) {
    return (int) ((piece.sectionOffset() + piece.lengthBytes() - 1) / PageSource.CHUNK_BYTES);
  }

  private static long bytes(List<Piece> pieces) {
    return pieces.stream().mapToLong(Piece::lengthBytes).sum();
  }

  /// By their places in the section, where they are disjoint.
  private List<Piece> pieces(Step.Fill fill) {
    var pieces = new ArrayList<Piece>();
    long end = fill.fromOffset() + fill.lengthBytes();
    image.runs(fill.body()).ifPresent(runs -> runs.each(fill.fromOffset(), end, (PageRun run) -> {
      long from = Math.max(run.start(), fill.fromOffset());
      pieces.add(new Piece(run.sectionOffset() + from - run.start(), Math.min(run.end(), end) - from,
          fill.to().plus(from - fill.fromOffset())));
    }));
    pieces.sort(Comparator.comparingLong(Piece::sectionOffset));
    return pieces;
  }

  /// Fills memory of `stub`, which must be writable there.
  void run(Step.Fill fill, Stub stub) throws SyscallException, ImageException {
    Optional<FreshMemory> missing = fresh.contains(fill) ? FreshMemory.of(stub, fill.to(), fill.lengthBytes())
        : Optional.empty();
    try {
      run(fill, new Memory(stub.memory(), missing));
    } finally {
      if (missing.isPresent()) {
        missing.get().close();
      }
    }
  }

  /// Where bytes are put, with what of it has no pages yet.
  private record Memory(RemoteMemory whole, Optional<FreshMemory> fresh) {
    void write(RemoteAddress to, MemorySegment content) throws SyscallException {
      if (fresh.isPresent()) {
        fresh.get().write(to, content);
      } else {
        whole.write(to, content);
      }
    }
  }

  private void run(Step.Fill fill, Memory memory) throws SyscallException, ImageException {
    List<Piece> pieces = pieces(fill);
    BitSet chunks = new BitSet();
    pieces.forEach(piece -> chunks.set(first(piece), last(piece) + 1));
    int[] order = chunks.stream().toArray();
    try (PageSource source = image.reader().pages()) {
      int threads = Math.clamp((long) Runtime.getRuntime().availableProcessors() * source.readersForEachCpu(), 1,
          MAX_THREADS);
      AtomicInteger next = new AtomicInteger();
      inParallel(threads, () -> {
        try (Arena arena = Arena.ofConfined()) {
          MemorySegment buffer = arena.allocate(PageSource.CHUNK_BYTES, PageSource.ALIGNMENT_BYTES);
          for (int at = next.getAndIncrement(); at < order.length; at = next.getAndIncrement()) {
            put(order[at], source.chunk(order[at], buffer), pieces, memory);
          }
        } catch (ImageException | SyscallException | RuntimeException e) {
          next.set(order.length);
          throw e;
        }
        return true;
      });
    }
  }

  private static void inParallel(int threads, Callable<?> work) throws SyscallException, ImageException {
    try (ExecutorService workers = Executors.newFixedThreadPool(threads, Thread.ofPlatform().name("stasis-fill-", 0)
        .daemon().factory())) {
      List<Future<?>> results = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        results.add(workers.submit(work));
      }
      for (Future<?> result : results) {
        await(result);
      }
    }
  }

  /// Writes what of a chunk belongs to the pieces.
  private static void put(int chunk, MemorySegment bytes, List<Piece> pieces, Memory memory)
      throws SyscallException {
    long start = (long) chunk * PageSource.CHUNK_BYTES;
    long end = start + bytes.byteSize();
    for (int i = firstOf(pieces, start); i < pieces.size() && pieces.get(i).sectionOffset() < end; i++) {
      Piece piece = pieces.get(i);
      long from = Math.max(start, piece.sectionOffset());
      long to = Math.min(end, piece.sectionOffset() + piece.lengthBytes());
      memory.write(piece.to().plus(from - piece.sectionOffset()), bytes.asSlice(from - start, to - from));
    }
  }

  /// The first piece that ends behind `offset`.
  private static int firstOf(List<Piece> pieces, long offset) {
    int low = 0;
    int high = pieces.size();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (pieces.get(middle).sectionOffset() + pieces.get(middle).lengthBytes() <= offset) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  private static void await(Future<?> result) throws SyscallException, ImageException {
    try {
      result.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof ImageException failed) {
        throw failed;
      }
      if (e.getCause() instanceof SyscallException failed) {
        throw failed;
      }
      throw new AssertionError("a fill broke", e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ImageException(ImageException.Reason.CANCELLED, "the restore was cancelled", "run it again", e);
    }
  }
}
