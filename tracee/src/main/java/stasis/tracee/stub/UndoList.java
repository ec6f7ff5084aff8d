package stasis.tracee.stub;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;

/// The undos of a keeper, in the order they will run, as a list of blocks in shared memory: each the data and
/// descriptors of one batch, then a chain descriptor to the next block. Every change is one write of 16 bytes, at the
/// head or in a chain descriptor, so that a killed engine leaves the list as it was before or after.
final class UndoList {
  private static final byte OP_CHAIN = 3;
  private static final int CHAIN_TARGET_AT = 8;
  private static final int EXPECTATION_AT = 5;

  private final SharedFile shared;
  private final RemoteAddress head;
  private final long areaOffset;
  private final List<Block> blocks = new ArrayList<>();
  private final TreeMap<Long, Long> used = new TreeMap<>();
  private long serials;

  /// @param offset in the file @param descriptors the first @param count of all of them, the chain's included
  private record Block(UndoId id, long offset, RemoteAddress descriptors, long count) {
    RemoteAddress chain() {
      return descriptors.plus((count - 1) * StubCode.DESCRIPTOR_BYTES);
    }
  }

  /// @param head where the first block's address and count lie @param areaOffset from here to the file's end are blocks
  UndoList(SharedFile shared, RemoteAddress head, long areaOffset) {
    this.shared = shared;
    this.head = head;
    this.areaOffset = areaOffset;
  }

  /// Puts an undo before all others.
  UndoId first(Batch batch) throws SyscallException {
    return insert(0, batch);
  }

  /// Puts an undo in the place of all others, in one write.
  UndoId only(Batch batch) throws SyscallException {
    int others = blocks.size();
    UndoId id = insert(blocks.size(), batch, false);
    shared.writeU64(head, blocks.getLast().descriptors().bits(), blocks.getLast().count());
    for (int i = 0; i < others; i++) {
      used.remove(blocks.removeFirst().offset());
    }
    return id;
  }

  /// Puts an undo behind all others.
  UndoId last(Batch batch) throws SyscallException {
    return insert(blocks.size(), batch);
  }

  /// @throws IllegalArgumentException if there is no such undo, or no more
  void withdraw(UndoId id) throws SyscallException {
    for (int i = 0; i < blocks.size(); i++) {
      if (blocks.get(i).id().equals(id)) {
        link(i, i + 1);
        used.remove(blocks.remove(i).offset());
        return;
      }
    }
    throw new IllegalArgumentException("undo " + id.serial() + " is not in the list");
  }

  void clear() throws SyscallException {
    shared.writeU64(head, 0, 0);
    blocks.clear();
    used.clear();
  }

  private UndoId insert(int position, Batch batch) throws SyscallException {
    return insert(position, batch, true);
  }

  private UndoId insert(int position, Batch batch, boolean linked) throws SyscallException {
    if (batch.size() == 0) {
      throw new IllegalArgumentException("an undo has at least one call");
    }
    // Laid out once to learn its size; the layout does not depend on where it lies.
    long lengthBytes = whole(batch, shared.at(areaOffset)).lengthBytes() + StubCode.DESCRIPTOR_BYTES;
    long offset = place(lengthBytes);
    Part part = whole(batch, shared.at(offset));
    var block = new Block(new UndoId(serials++), offset, part.descriptors(), batch.size() + 1L);
    try (Arena call = Arena.ofConfined()) {
      MemorySegment image = call.allocate(lengthBytes, 8);
      part.encode(image, new Progress(batch));
      for (int i = 0; i < batch.size(); i++) {
        // An undo goes on whatever one of its calls returns, and so do those after it.
        image.set(JAVA_BYTE, descriptorsAt(part) + (long) i * StubCode.DESCRIPTOR_BYTES + EXPECTATION_AT, (byte) 0);
      }
      long chain = lengthBytes - StubCode.DESCRIPTOR_BYTES;
      image.set(JAVA_BYTE, chain + 4, OP_CHAIN);
      if (position < blocks.size()) {
        image.set(JAVA_LONG_UNALIGNED, chain + CHAIN_TARGET_AT, blocks.get(position).descriptors().bits());
        image.set(JAVA_LONG_UNALIGNED, chain + CHAIN_TARGET_AT + 8, blocks.get(position).count());
      }
      shared.write(shared.at(offset), image);
    }
    used.put(offset, lengthBytes);
    blocks.add(position, block);
    if (linked) {
      link(position, position);
    }
    return block.id();
  }

  private Part whole(Batch batch, RemoteAddress at) {
    Part part = Part.plan(batch, 0, at, shared.lengthBytes() - areaOffset);
    if (part.to() != batch.size()) {
      throw new IllegalArgumentException("an undo of " + batch.size() + " calls does not fit");
    }
    return part;
  }

  private static long descriptorsAt(Part part) {
    return part.descriptors().bits() - part.area().bits();
  }

  /// Lets whatever comes before `position` lead to the block at `target`, or to the end.
  private void link(int position, int target) throws SyscallException {
    RemoteAddress from = position == 0 ? head : blocks.get(position - 1).chain().plus(CHAIN_TARGET_AT);
    if (target < blocks.size()) {
      shared.writeU64(from, blocks.get(target).descriptors().bits(), blocks.get(target).count());
    } else {
      shared.writeU64(from, 0, 0);
    }
  }

  /// The first gap that is long enough.
  private long place(long lengthBytes) throws SyscallException {
    long at = areaOffset;
    for (Map.Entry<Long, Long> block : used.entrySet()) {
      if (block.getKey() - at >= lengthBytes) {
        return at;
      }
      at = block.getKey() + block.getValue();
    }
    if (shared.lengthBytes() - at < lengthBytes) {
      throw new SyscallException(Nr.PWRITE64, Errno.ENOSPC,
          "leave one more undo, of " + lengthBytes + " bytes, to a keeper that has " + blocks.size());
    }
    return at;
  }
}
