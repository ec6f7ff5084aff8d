package stasis.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.tracee.RemoteMemory;

/// Pages copied while their task stood still.
final class HeldRange implements AutoCloseable {
  private final RemoteAddress start;
  private final Arena arena;
  private final MemorySegment content;

  private HeldRange(RemoteAddress start, Arena arena, MemorySegment content) {
    this.start = start;
    this.arena = arena;
    this.content = content;
  }

  /// The task's own pages of a range; each run its own copy.
  static List<HeldRange> copy(RemoteMemory memory, MappingCollector.Range range) throws SyscallException {
    var copies = new ArrayList<HeldRange>();
    try (PageScan scan = new PageScan(memory.task())) {
      for (PageScan.Run run : scan.ownPages(range.start(), range.lengthBytes())) {
        Arena arena = Arena.ofShared();
        MemorySegment content = arena.allocate(run.lengthBytes(), 4096);
        copies.add(new HeldRange(run.start(), arena, content));
        memory.read(run.start(), content);
      }
      return copies;
    } catch (SyscallException | RuntimeException | Error e) {
      copies.forEach(HeldRange::close);
      throw e;
    }
  }

  RemoteAddress start() {
    return start;
  }

  PageScan.Run run() {
    return new PageScan.Run(start, content.byteSize());
  }

  void read(long from, MemorySegment into) {
    into.copyFrom(content.asSlice(from - start.bits(), into.byteSize()));
  }

  @Override
  public void close() {
    arena.close();
  }
}
