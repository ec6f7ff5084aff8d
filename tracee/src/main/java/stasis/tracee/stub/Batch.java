package stasis.tracee.stub;

import java.util.ArrayList;
import java.util.List;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.sys.Syscalls;

/// A list of syscalls and the memory they name, to be run in a task in one stop. Entries run in the order they were
/// added; an operand may be an earlier entry's result or a field of its output. Pure data: the same batch may be run in
/// several tasks.
public final class Batch {
  /// At most this many entries: bounds the memory one batch takes here.
  public static final int ENTRIES_MAX = 1 << 22;

  private final List<Entry> entries = new ArrayList<>();
  private final List<Memory> memories = new ArrayList<>();

  /// An empty batch, to be filled.
  public Batch() {}

  /// One thing the runner does.
  sealed interface Entry {
    record Call(long number, boolean birth, Expect expect, List<Operand> operands) implements Entry {
      public Call {
        operands = List.copyOf(operands);
      }
    }

    /// Copies `lengthBytes` of `value` into `target`.
    record Patch(Slot target, int offsetBytes, Operand value, int lengthBytes) implements Entry {}

    /// Copies `lengthBytes` within the task.
    record Copy(Operand to, Operand from, long lengthBytes) implements Entry {}
  }

  /// Content of a slot before the batch runs, the slots it points to, and whether it is read back.
  record Memory(Slot slot, Bytes content, List<Pointer> pointers, boolean output) {}

  record Pointer(int offsetBytes, Slot to, int toOffsetBytes) {}

  /// Adds a call that must not fail.
  ///
  /// @return the entry's index, for [Operand#result] and [Results#of]
  public int call(Nr nr, Operand... operands) {
    return call(nr, Expect.SUCCESS, operands);
  }

  /// @return the entry's index
  public int call(Nr nr, Expect expect, Operand... operands) {
    return callNumber(nr.on(Syscalls.HOST), expect, operands);
  }

  /// For the few calls only this architecture has.
  ///
  /// @return the entry's index
  public int callNumber(long number, Expect expect, Operand... operands) {
    return addCall(number, false, expect, operands);
  }

  /// Adds a call that makes a task: clone3(2), or clone(2) by the same rules. The child waits in the stub's loop, with
  /// its parent's registers and rax = 0; it never runs this batch. Its ids are in the outcome.
  ///
  /// @return the entry's index
  public int birth(Nr nr, Operand... operands) {
    if (nr != Nr.CLONE3 && nr != Nr.CLONE) {
      throw new IllegalArgumentException("only clone3 and clone make a task, not " + nr.kernelName());
    }
    return addCall(nr.on(Syscalls.HOST), true, Expect.SUCCESS, operands);
  }

  private int addCall(long number, boolean birth, Expect expect, Operand[] operands) {
    if (operands.length > 6) {
      throw new IllegalArgumentException("a syscall takes at most 6 arguments, got " + operands.length);
    }
    for (Operand operand : operands) {
      check(operand);
    }
    return add(new Entry.Call(number, birth, expect, List.of(operands)));
  }

  /// Input: bytes that are there before the first call.
  public Slot data(Bytes content) {
    return slot(content, false);
  }

  /// Output: zeros, read back when the batch ends.
  public Slot space(int lengthBytes) {
    return slot(Bytes.zeros(lengthBytes), true);
  }

  /// Both: a struct the kernel reads and answers in.
  public Slot exchange(Bytes content) {
    return slot(content, true);
  }

  /// Lets the 8 bytes at `offsetBytes` of `from` hold the address of a field of `to`.
  public void point(Slot from, int offsetBytes, Slot to, int toOffsetBytes) {
    from.check(offsetBytes, 8);
    to.check(toOffsetBytes, 0);
    own(to);
    memory(from).pointers().add(new Pointer(offsetBytes, to, toOffsetBytes));
  }

  /// Writes a value into a struct when the batch comes to this entry.
  ///
  /// @param lengthBytes 1, 2, 4 or 8: the low bytes of the value; not more than a loaded field has
  /// @return the entry's index
  public int patch(Slot target, int offsetBytes, Operand value, int lengthBytes) {
    if (lengthBytes != 1 && lengthBytes != 2 && lengthBytes != 4 && lengthBytes != 8) {
      throw new IllegalArgumentException("a value of 1, 2, 4 or 8 bytes can be patched in, not " + lengthBytes);
    }
    if (value instanceof Operand.Load load && load.width().bytes() < lengthBytes) {
      throw new IllegalArgumentException("a loaded field is not widened to " + lengthBytes + " bytes");
    }
    target.check(offsetBytes, lengthBytes);
    check(value);
    Memory memory = memory(target);
    memories.set(target.number(), new Memory(target, memory.content(), memory.pointers(), true));
    return add(new Entry.Patch(target, offsetBytes, value, lengthBytes));
  }

  /// Copies bytes from one place of the task's memory to another, which do not overlap.
  ///
  /// @return the entry's index
  public int copy(RemoteAddress to, RemoteAddress from, long lengthBytes) {
    return add(new Entry.Copy(Operand.imm(to.bits()), Operand.imm(from.bits()), lengthBytes));
  }

  public int size() {
    return entries.size();
  }

  Entry entry(int index) {
    return entries.get(index);
  }

  /// @throws IllegalArgumentException if another batch made the slot
  Memory memory(Slot slot) {
    own(slot);
    return memories.get(slot.number());
  }

  List<Memory> memories() {
    return memories;
  }

  private int add(Entry entry) {
    if (entries.size() == ENTRIES_MAX) {
      throw new IllegalStateException("a batch holds at most " + ENTRIES_MAX + " entries");
    }
    entries.add(entry);
    return entries.size() - 1;
  }

  private Slot slot(Bytes content, boolean output) {
    Slot slot = new Slot(this, memories.size(), content.length());
    memories.add(new Memory(slot, content, new ArrayList<>(), output));
    return slot;
  }

  private void check(Operand operand) {
    switch (operand) {
      case Operand.Imm _ -> { }
      case Operand.Result result -> {
        if (result.index() >= entries.size()) {
          throw new IllegalArgumentException("entry " + result.index() + " is not earlier than " + entries.size());
        }
      }
      case Operand.Load load -> own(load.slot());
      case Operand.Address address -> own(address.slot());
    }
  }

  private void own(Slot slot) {
    if (slot.owner() != this) {
      throw new IllegalArgumentException("slot of another batch");
    }
  }
}
