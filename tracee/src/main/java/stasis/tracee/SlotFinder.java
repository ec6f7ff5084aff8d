package stasis.tracee;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;

/// Finds room for a parachute: zero bytes in an executable private page behind the end of what the page was mapped for.
/// First behind the vdso, then behind the code of a mapped program or library.
///
/// A slot that a killed tracer used is the last choice, and only when no thread's stack holds an address in it: a
/// signal frame there would lead back into it. A frame kept elsewhere (swapcontext out of a handler) is not seen.
final class SlotFinder {
  private static final int AT_SYSINFO_EHDR = 33;
  private static final int PAGE = 4096;
  private static final int STACK_BYTES = 256 * 1024;
  private static final int RED_ZONE = 128;
  private static final int MOST_HEADERS = 64;

  private final Tid tid;
  private final List<LiveTask> tasks;
  private final List<Slot> behindVdso;
  private final RemoteMemory memory;

  /// @param behindVdso what [#behindVdso] found; the same as long as the group is frozen
  SlotFinder(Tid tid, List<LiveTask> tasks, List<Slot> behindVdso) {
    this.tid = tid;
    this.tasks = tasks;
    this.behindVdso = behindVdso;
    this.memory = new RemoteMemory(tid);
  }

  Slot find() throws ErrandRefusedException {
    var used = new ArrayList<Slot>();
    Optional<Slot> clean = clean(behindVdso, used);
    if (clean.isEmpty()) {
      clean = clean(behindCode(), used);
    }
    if (clean.isPresent()) {
      return clean.get();
    }
    if (used.isEmpty()) {
      throw new ErrandRefusedException(new ErrandObstacle.NoRoom(tid));
    }
    return unreferenced(used).orElseThrow(
        () -> new ErrandRefusedException(new ErrandObstacle.SlotStillReferenced(tid, used.getFirst().start())));
  }

  private Optional<Slot> clean(List<Slot> candidates, List<Slot> used) {
    for (Slot slot : candidates) {
      switch (state(slot)) {
        case CLEAN -> {
          return Optional.of(slot);
        }
        case USED -> used.add(slot);
        case FOREIGN -> { }
      }
    }
    return Optional.empty();
  }

  private Slot.State state(Slot slot) {
    try {
      return slot.state(memory);
    } catch (SyscallException e) {
      return Slot.State.FOREIGN; // not mapped, or not readable
    }
  }

  /// The vdso is an ELF file whose section headers stand last.
  static List<Slot> behindVdso(Tid tid) {
    var memory = new RemoteMemory(tid);
    Optional<RemoteAddress> vdso = vdso(tid);
    if (vdso.isEmpty()) {
      return List.of();
    }
    try {
      Bytes header = memory.read(vdso.get(), 64);
      long end = header.u64(40) + (long) header.u16(58) * header.u16(60);
      boolean sane = isElf(header) && header.u64(40) > 0 && end > 0 && end < 1 << 20;
      return sane ? slots(vdso.get().bits() + end, up(vdso.get().bits() + end, PAGE)) : List.of();
    } catch (SyscallException e) {
      return List.of();
    }
  }

  private static Optional<RemoteAddress> vdso(Tid tid) {
    return TaskStatus.bytes(tid, "auxv").flatMap(auxv -> {
      for (int i = 0; i + 16 <= auxv.length(); i += 16) {
        if (auxv.u64(i) == AT_SYSINFO_EHDR) {
          return Optional.of(new RemoteAddress(auxv.u64(i + 8)));
        }
      }
      return Optional.empty();
    });
  }

  private record CodeMapping(long start, long end, long offset, String file, boolean executable) {}

  /// A loader maps whole pages: behind the last byte of an executable PT_LOAD nothing of the page is ever used.
  private List<Slot> behindCode() {
    List<CodeMapping> mappings = TaskStatus.read(tid, "maps").map(SlotFinder::privateFiles).orElse(List.of());
    Map<String, Long> headers = new HashMap<>();
    for (CodeMapping mapping : mappings) {
      if (mapping.offset == 0) {
        headers.putIfAbsent(mapping.file, mapping.start);
      }
    }
    var slots = new ArrayList<Slot>();
    for (CodeMapping mapping : mappings) {
      Long header = headers.get(mapping.file);
      if (mapping.executable && header != null) {
        slots.addAll(behind(mapping, new RemoteAddress(header)));
      }
    }
    slots.sort(Comparator.comparing(Slot::start));
    return slots;
  }

  private List<Slot> behind(CodeMapping mapping, RemoteAddress file) {
    var slots = new ArrayList<Slot>();
    try {
      Bytes header = memory.read(file, 64);
      if (!isElf(header) || header.u16(54) != 56) {
        return slots;
      }
      Bytes segments = memory.read(file.plus(header.u64(32)), Math.min(header.u16(56), MOST_HEADERS) * 56);
      for (int at = 0; at < segments.length(); at += 56) {
        boolean code = segments.u32(at) == 1 && (segments.u32(at + 4) & 1) != 0; // PT_LOAD with PF_X
        long end = mapping.start + segments.u64(at + 8) + segments.u64(at + 40) - mapping.offset;
        if (code && segments.u64(at + 8) >= mapping.offset && up(end, PAGE) == mapping.end) {
          slots.addAll(slots(end, mapping.end));
        }
      }
    } catch (SyscallException e) {
      return slots; // no readable header: no room here
    }
    return slots;
  }

  private static List<CodeMapping> privateFiles(String maps) {
    var mappings = new ArrayList<CodeMapping>();
    for (String line : maps.split("\n")) {
      String[] fields = line.split("\\s+", 6);
      if (fields.length == 6 && fields[1].endsWith("p") && !fields[4].equals("0")) {
        int dash = fields[0].indexOf('-');
        mappings.add(new CodeMapping(Long.parseUnsignedLong(fields[0].substring(0, dash), 16),
            Long.parseUnsignedLong(fields[0].substring(dash + 1), 16), Long.parseUnsignedLong(fields[2], 16),
            fields[3] + " " + fields[4], fields[1].equals("r-xp")));
      }
    }
    return mappings;
  }

  private Optional<Slot> unreferenced(List<Slot> used) {
    var free = new ArrayList<>(used);
    for (LiveTask task : tasks) {
      byte[] stack = stack(task);
      var words = java.nio.ByteBuffer.wrap(stack).order(java.nio.ByteOrder.LITTLE_ENDIAN).asLongBuffer();
      while (words.hasRemaining() && !free.isEmpty()) {
        long word = words.get();
        free.removeIf(slot -> slot.contains(word));
      }
    }
    return free.stream().findFirst();
  }

  private byte[] stack(LiveTask task) {
    try (var call = java.lang.foreign.Arena.ofConfined()) {
      var into = call.allocate(STACK_BYTES, 8);
      long top = (task.registers().rsp().bits() - RED_ZONE) & -8;
      long got = memory.readUpTo(new RemoteAddress(top), into);
      return into.asSlice(0, got & -8).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
    } catch (SyscallException e) {
      return new byte[0]; // gone
    }
  }

  private static boolean isElf(Bytes header) {
    return header.u32(0) == 0x464c457f;
  }

  private static List<Slot> slots(long from, long to) {
    var slots = new ArrayList<Slot>();
    for (long at = up(from, Slot.BYTES); at + Slot.BYTES <= to; at += Slot.BYTES) {
      slots.add(new Slot(new RemoteAddress(at)));
    }
    return slots;
  }

  private static long up(long value, int multiple) {
    return (value + multiple - 1) & -multiple;
  }
}
