package stasis.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import stasis.image.ObjectId;
import stasis.image.PageMap;
import stasis.image.PageRun;
import stasis.image.PageRuns;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.repository.ImageException;
import stasis.repository.PageSink;
import stasis.resource.ObstructedException;
import stasis.tracee.RemoteMemory;

/// Which pages go into the page section, where, and whence. Planned first, so that the metadata can name every place;
/// copied afterwards in that order, large pieces at a time.
final class PageStore {
  private static final long PAGE = 4096;
  private static final long BUFFER_BYTES = 1 << 20;

  /// Reads bytes of one body.
  interface Reader {
    void read(long start, MemorySegment into) throws SyscallException;
  }

  /// Asked before each read of at most [#BUFFER_BYTES]; what it throws ends the copy.
  interface Budget {
    void check() throws ObstructedException;
  }

  private record Piece(PageRun run, Reader reader) {}

  private final List<Piece> pieces = new ArrayList<>();
  private final Map<ObjectId, List<PageRun>> runs = new TreeMap<>();
  private long sectionBytes;

  /// Adds pages of an mm, read from `memory`: the task itself, or a copy-on-write image of it.
  void addMemory(ObjectId mm, List<PageScan.Run> pages, RemoteMemory memory) {
    for (PageScan.Run page : pages) {
      add(mm, page.start().bits(), page.lengthBytes(),
          (start, into) -> memory.read(new RemoteAddress(start), into));
    }
  }

  void addHeld(ObjectId mm, HeldRange range) {
    add(mm, range.start().bits(), range.run().lengthBytes(), range::read);
  }

  void addBody(BodySource source) throws SyscallException {
    for (BodySource.Data stretch : source.data()) {
      add(source.body(), stretch.start(), stretch.lengthBytes(), source::read);
    }
  }

  /// @param start ascending within one body
  private void add(ObjectId body, long start, long lengthBytes, Reader reader) {
    PageRun run = new PageRun(start, lengthBytes, sectionBytes);
    pieces.add(new Piece(run, reader));
    runs.computeIfAbsent(body, _ -> new ArrayList<>()).add(run);
    sectionBytes += lengthBytes + PAGE - 1 & -PAGE;
  }

  List<PageMap> maps() {
    var maps = new ArrayList<PageMap>();
    runs.forEach((body, list) -> maps.add(new PageMap(body, PageRuns.of(list))));
    return maps;
  }

  /// Length of the page section.
  long sectionBytes() {
    return sectionBytes;
  }

  void copy(PageSink sink, Budget budget, Moment.Listener listener)
      throws SyscallException, ImageException, ObstructedException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(BUFFER_BYTES, PAGE);
      for (Piece piece : pieces) {
        for (long done = 0; done < piece.run().lengthBytes();) {
          budget.check();
          MemorySegment part = buffer.asSlice(0, Math.min(BUFFER_BYTES, piece.run().lengthBytes() - done));
          piece.reader().read(piece.run().start() + done, part);
          sink.write(part);
          done += part.byteSize();
          listener.at(new Moment.Progress(sink.position(), sectionBytes));
        }
        if (piece.run().lengthBytes() % PAGE != 0) {
          sink.pad();
        }
      }
    }
  }
}
