package stasis.tracee.stub;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.RemoteAddress;

/// As many consecutive entries of a batch as fit an area, laid out for one run: input slots, then output slots, then
/// descriptors, so that what is read back is one piece. Slots lie where this part puts them; results of earlier parts
/// are immediates here.
///
/// A descriptor (docs/restore-program.md): u32 number, u8 op, u8 expectation, u16 modes, u64[6] arguments, u64 result,
/// which before the call holds the value expected.
final class Part {
  private static final byte OP_SYSCALL = 0;
  private static final byte OP_BIRTH = 1;
  private static final byte OP_MOVE = 2;
  private static final int SLOT_ALIGNMENT = 16;
  private static final int ARGUMENTS_AT = 8;
  private static final int LITERAL_AT = 48;
  private static final int RESULT_AT = 56;

  private final Batch batch;
  private final int from;
  private final int to;
  private final RemoteAddress area;
  private final BitSet used;
  private final long[] slotAt;
  private final long outputsAt;
  private final long descriptorsAt;

  private Part(Batch batch, int from, int to, BitSet used, RemoteAddress area) {
    this.batch = batch;
    this.from = from;
    this.to = to;
    this.used = used;
    this.area = area;
    this.slotAt = new long[batch.memories().size()];
    this.outputsAt = place(false, 0);
    this.descriptorsAt = aligned(place(true, outputsAt), StubCode.DESCRIPTOR_BYTES);
  }

  /// Takes entries from `from` on until the area is full.
  ///
  /// @throws IllegalArgumentException if not even one fits
  static Part plan(Batch batch, int from, RemoteAddress area, long areaBytes) {
    var used = new BitSet();
    long bytes = StubCode.DESCRIPTOR_BYTES;
    int to = from;
    while (to < batch.size()) {
      List<Slot> fresh = reach(batch, batch.entry(to), used);
      long more = StubCode.DESCRIPTOR_BYTES;
      for (Slot slot : fresh) {
        more += aligned(slot.lengthBytes(), SLOT_ALIGNMENT);
      }
      if (bytes + more > areaBytes) {
        fresh.forEach(slot -> used.clear(slot.number()));
        break;
      }
      bytes += more;
      to++;
    }
    if (to == from && from < batch.size()) {
      throw new IllegalArgumentException(
          "entry " + from + " and the slots it names do not fit an area of " + areaBytes + " bytes");
    }
    return new Part(batch, from, to, used, area);
  }

  int from() {
    return from;
  }

  int to() {
    return to;
  }

  RemoteAddress area() {
    return area;
  }

  long lengthBytes() {
    return descriptorsAt + (long) (to - from) * StubCode.DESCRIPTOR_BYTES;
  }

  RemoteAddress descriptors() {
    return area.plus(descriptorsAt);
  }

  /// Where that begins which [#decode] wants back; it ends where the part ends.
  long outputsAt() {
    return outputsAt;
  }

  /// @param out [#lengthBytes] zero bytes, to be put at [#area]
  void encode(MemorySegment out, Progress progress) {
    used.stream().forEach(slot -> encodeSlot(out, slot, progress));
    for (int i = from; i < to; i++) {
      MemorySegment descriptor = out.asSlice(descriptorAt(i), StubCode.DESCRIPTOR_BYTES);
      switch (batch.entry(i)) {
        case Batch.Entry.Call call -> encodeCall(descriptor, call, progress);
        case Batch.Entry.Patch patch -> encodePatch(descriptor, i, patch, progress);
        case Batch.Entry.Copy copy -> {
          descriptor.set(JAVA_BYTE, 4, OP_MOVE);
          argument(descriptor, 0, copy.to(), progress);
          argument(descriptor, 1, copy.from(), progress);
          descriptor.set(JAVA_LONG_UNALIGNED, ARGUMENTS_AT + 16, copy.lengthBytes());
        }
      }
    }
  }

  /// @param back what lies from [#outputsAt] to the end @param ran how many entries of this part have results
  void decode(MemorySegment back, int ran, Progress progress) {
    for (int i = from; i < from + ran; i++) {
      progress.ran(i, back.get(JAVA_LONG_UNALIGNED, descriptorAt(i) - outputsAt + RESULT_AT));
    }
    used.stream().filter(slot -> batch.memories().get(slot).output()).forEach(slot -> progress.content(slot,
        Bytes.of(back.asSlice(slotAt[slot] - outputsAt, progress.content(slot).length()).toArray(JAVA_BYTE))));
  }

  private long descriptorAt(int index) {
    return descriptorsAt + (long) (index - from) * StubCode.DESCRIPTOR_BYTES;
  }

  private void encodeSlot(MemorySegment out, int slot, Progress progress) {
    byte[] content = progress.content(slot).toArray();
    MemorySegment.copy(content, 0, out, JAVA_BYTE, slotAt[slot], content.length);
    for (Batch.Pointer pointer : batch.memories().get(slot).pointers()) {
      out.set(JAVA_LONG_UNALIGNED, slotAt[slot] + pointer.offsetBytes(),
          address(pointer.to(), pointer.toOffsetBytes()));
    }
  }

  private void encodeCall(MemorySegment descriptor, Batch.Entry.Call call, Progress progress) {
    descriptor.set(JAVA_LONG_UNALIGNED, 0, call.number());
    descriptor.set(JAVA_BYTE, 4, call.birth() ? OP_BIRTH : OP_SYSCALL);
    switch (call.expect()) {
      case Expect.Any _ -> { }
      case Expect.Success _ -> descriptor.set(JAVA_BYTE, 5, (byte) 1);
      case Expect.Exactly exactly -> {
        descriptor.set(JAVA_BYTE, 5, (byte) 2);
        descriptor.set(JAVA_LONG_UNALIGNED, RESULT_AT, exactly.value());
      }
    }
    for (int k = 0; k < call.operands().size(); k++) {
      argument(descriptor, k, call.operands().get(k), progress);
    }
  }

  private void encodePatch(MemorySegment descriptor, int index, Batch.Entry.Patch patch, Progress progress) {
    descriptor.set(JAVA_BYTE, 4, OP_MOVE);
    descriptor.set(JAVA_LONG_UNALIGNED, ARGUMENTS_AT, address(patch.target(), patch.offsetBytes()));
    descriptor.set(JAVA_LONG_UNALIGNED, ARGUMENTS_AT + 16, patch.lengthBytes());
    long source = switch (patch.value()) {
      case Operand.Result result when result.index() >= from -> area.bits() + descriptorAt(result.index()) + RESULT_AT;
      case Operand.Load load -> address(load.slot(), load.offsetBytes());
      case Operand.Result result -> literal(descriptor, index, progress.result(result.index()));
      case Operand.Imm imm -> literal(descriptor, index, imm.value());
      case Operand.Address address -> literal(descriptor, index, address(address.slot(), address.offsetBytes()));
    };
    descriptor.set(JAVA_LONG_UNALIGNED, ARGUMENTS_AT + 8, source);
  }

  /// A move needs its source in memory: a known value lies in the descriptor's own sixth argument.
  private long literal(MemorySegment descriptor, int index, long value) {
    descriptor.set(JAVA_LONG_UNALIGNED, LITERAL_AT, value);
    return area.bits() + descriptorAt(index) + LITERAL_AT;
  }

  private void argument(MemorySegment descriptor, int k, Operand operand, Progress progress) {
    int mode = 0;
    long value = switch (operand) {
      case Operand.Imm imm -> imm.value();
      case Operand.Address address -> address(address.slot(), address.offsetBytes());
      case Operand.Load load -> {
        mode = load.width().mode();
        yield address(load.slot(), load.offsetBytes());
      }
      case Operand.Result result when result.index() < from -> progress.result(result.index());
      case Operand.Result result -> {
        mode = Operand.Width.U64.mode();
        yield area.bits() + descriptorAt(result.index()) + RESULT_AT;
      }
    };
    descriptor.set(JAVA_LONG_UNALIGNED, ARGUMENTS_AT + 8L * k, value);
    descriptor.set(JAVA_SHORT_UNALIGNED, 6, (short) (descriptor.get(JAVA_SHORT_UNALIGNED, 6) | (mode << (2 * k))));
  }

  private long address(Slot slot, int offsetBytes) {
    return area.bits() + slotAt[slot.number()] + offsetBytes;
  }

  private long place(boolean output, long start) {
    long at = start;
    for (int slot = used.nextSetBit(0); slot >= 0; slot = used.nextSetBit(slot + 1)) {
      if (batch.memories().get(slot).output() == output) {
        slotAt[slot] = at;
        at += aligned(batch.memories().get(slot).content().length(), SLOT_ALIGNMENT);
      }
    }
    return at;
  }

  /// Adds to `used` the slots an entry names, and those they point to.
  ///
  /// @return those added
  private static List<Slot> reach(Batch batch, Batch.Entry entry, BitSet used) {
    var fresh = new ArrayList<Slot>();
    switch (entry) {
      case Batch.Entry.Call call -> call.operands().forEach(operand -> visit(operand, used, fresh));
      case Batch.Entry.Patch patch -> {
        visit(patch.target().address(), used, fresh);
        visit(patch.value(), used, fresh);
      }
      case Batch.Entry.Copy _ -> { }
    }
    for (int i = 0; i < fresh.size(); i++) {
      for (Batch.Pointer pointer : batch.memory(fresh.get(i)).pointers()) {
        visit(pointer.to().address(), used, fresh);
      }
    }
    return fresh;
  }

  private static void visit(Operand operand, BitSet used, List<Slot> fresh) {
    switch (operand) {
      case Operand.Imm _, Operand.Result _ -> { }
      case Operand.Load load -> visit(load.slot(), used, fresh);
      case Operand.Address address -> visit(address.slot(), used, fresh);
    }
  }

  private static void visit(Slot slot, BitSet used, List<Slot> fresh) {
    if (!used.get(slot.number())) {
      used.set(slot.number());
      fresh.add(slot);
    }
  }

  private static long aligned(long bytes, int to) {
    return (bytes + to - 1) & -(long) to;
  }
}
