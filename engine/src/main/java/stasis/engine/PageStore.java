package stasis.engine;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import stasis.image.ObjectId;
import stasis.image.PageMap;
import stasis.image.PageRun;
import stasis.image.PageRuns;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.repository.EarlierPages;
import stasis.repository.ImageContent;
import stasis.repository.ImageException;
import stasis.repository.PageSink;
import stasis.resource.ObstructedException;
import stasis.tracee.RemoteMemory;

/// Which pages go into the page section, where, and whence. Planned first, so that the metadata can name every place;
/// copied afterwards in that order ([PageCopy]).
final class PageStore {
  private static final long PAGE = 4096;
  /// Reads bytes of one body.
  interface Reader {
    void read(long start, MemorySegment into) throws SyscallException;
  }

  /// Asked before each read of at most a MiB; what it throws ends the copy.
  interface Budget {
    void check() throws ObstructedException;
  }

  /// @param memory where the bytes lie, if that is a task's memory
  record Piece(ObjectId body, PageRun run, Reader reader, Optional<RemoteMemory> memory) {}

  private final List<Piece> pieces = new ArrayList<>();
  private final Map<ObjectId, List<PageRun>> runs = new TreeMap<>();
  private final List<ImageContent.Kept> kept = new ArrayList<>();
  private long sectionBytes;

  /// Adds pages of an mm, read from `memory`: the task itself, or a copy-on-write image of it.
  void addMemory(ObjectId mm, List<PageScan.Run> pages, RemoteMemory memory) {
    for (PageScan.Run page : pages) {
      add(mm, page.start().bits(), page.lengthBytes(),
          (start, into) -> memory.read(new RemoteAddress(start), into), Optional.of(memory));
    }
  }

  void addHeld(ObjectId mm, HeldRange range) {
    add(mm, range.start().bits(), range.run().lengthBytes(), range::read, Optional.empty());
  }

  void addBody(BodySource source) throws SyscallException {
    for (BodySource.Data stretch : source.data()) {
      add(source.body(), stretch.start(), stretch.lengthBytes(), source::read, Optional.empty());
    }
  }

  /// @param start ascending within one body
  private void add(ObjectId body, long start, long lengthBytes, Reader reader, Optional<RemoteMemory> memory) {
    PageRun run = new PageRun(start, lengthBytes, sectionBytes);
    pieces.add(new Piece(body, run, reader, memory));
    runs.computeIfAbsent(body, _ -> new ArrayList<>()).add(run);
    sectionBytes += lengthBytes + PAGE - 1 & -PAGE;
  }

  /// Leaves out what is as it was in an earlier image that lies where this one goes. Once, when all was added.
  void keep(Map<ObjectId, Unwritten> unwritten, EarlierPages image) throws ImageException {
    for (Map.Entry<ObjectId, List<PageRun>> body : runs.entrySet()) {
      if (unwritten.containsKey(body.getKey())) {
        kept.addAll(GroupPlan.require(unwritten, body.getKey()).of(body.getValue(), image));
      }
    }
    kept.sort(Comparator.comparingLong(ImageContent.Kept::sectionOffset));
  }

  /// What was left out, by its place in the page section.
  List<ImageContent.Kept> kept() {
    return List.copyOf(kept);
  }

  /// How much is to be copied.
  long comingBytes() {
    return sectionBytes - kept.stream().mapToLong(ImageContent.Kept::lengthBytes).sum();
  }

  /// The pieces, without what is kept of them.
  private List<Piece> coming() {
    if (kept.isEmpty()) {
      return pieces;
    }
    var coming = new ArrayList<Piece>();
    int next = 0;
    for (Piece piece : pieces) {
      long at = piece.run().sectionOffset();
      while (next < kept.size() && kept.get(next).sectionOffset() < piece.run().sectionEnd()) {
        ImageContent.Kept range = kept.get(next);
        coming.addAll(part(piece, at, range.sectionOffset()));
        at = Math.max(at, range.sectionOffset() + range.lengthBytes());
        if (at > piece.run().sectionEnd()) {
          break;
        }
        next++;
      }
      coming.addAll(part(piece, at, piece.run().sectionEnd()));
    }
    return coming;
  }

  /// What of a piece lies between two places of the section.
  private static List<Piece> part(Piece piece, long from, long to) {
    PageRun run = piece.run();
    if (from == run.sectionOffset() && to == run.sectionEnd()) {
      return List.of(piece);
    }
    long skipped = from - run.sectionOffset();
    long lengthBytes = Math.min(to - from, run.lengthBytes() - skipped);
    return lengthBytes <= 0 ? List.of() : List.of(new Piece(piece.body(),
        new PageRun(run.start() + skipped, lengthBytes, from), piece.reader(), piece.memory()));
  }

  List<PageMap> maps() {
    var maps = new ArrayList<PageMap>();
    runs.forEach((body, list) -> maps.add(new PageMap(body, PageRuns.of(list))));
    return maps;
  }

  /// What lies where, for whoever stores equal contents once.
  Iterable<ImageContent.Stretch> stretches() {
    return () -> pieces.stream().map(piece -> new ImageContent.Stretch(piece.body().value(), piece.run().start(),
        piece.run().storedBytes())).iterator();
  }

  /// Length of the page section.
  long sectionBytes() {
    return sectionBytes;
  }

  void copy(PageSink sink, Budget budget, Moment.Listener listener)
      throws SyscallException, ImageException, ObstructedException {
    long comingBytes = comingBytes();
    try (PageCopy copy = new PageCopy(coming(), sink)) {
      while (!copy.done()) {
        budget.check();
        copy.some();
        listener.at(new Moment.Progress(sink.position(), comingBytes));
      }
    }
  }
}
