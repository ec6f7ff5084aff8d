package stasis.cli;

import java.nio.BufferUnderflowException;
import java.util.Optional;
import stasis.linux.abi.Bytes;

/// The call frame information of one ELF module in memory: its `.eh_frame_hdr` and what that points to (Linux Standard
/// Base Core 5.0, section 10.6). A module whose table cannot be read has none.
final class CallFrames {
  private static final int PT_LOAD = 1;
  private static final int PT_GNU_EH_FRAME = 0x6474e550;
  private static final int ELF_HEADER_BYTES = 64;
  private static final int SEGMENT_BYTES = 56;
  /// `DW_EH_PE_datarel | DW_EH_PE_sdata4`, as linkers write the sorted table.
  private static final int TABLE_ENCODING = 0x3b;
  private static final int ENTRY_BYTES = 8;
  private static final int MAX_TABLE_BYTES = 64 << 20;
  /// One function's, with its CIE's.
  private static final int MAX_DESCRIPTION_BYTES = 1 << 16;
  private static final long WIDE = 0xffffffffL;

  private final Memory memory;
  private final long header;
  private final DwarfCursor table;
  private final long entries;

  /// Memory of the program.
  interface Memory {
    /// As many bytes as there are from an address on, at most so many.
    Bytes read(long address, int lengthBytes);
  }

  /// How the frames of a function are undone.
  ///
  /// @param begin what the CIE does first
  /// @param then  what the function's own description does
  /// @param pc    the first address that is described
  /// @param signalFrame whether the kernel made the frame: the address in it is not behind a call
  record Description(DwarfCursor begin, DwarfCursor then, long pc, long codeAlignment, long dataAlignment,
      int returnAddress, int encoding, boolean signalFrame) {}

  private CallFrames(Memory memory, long header, DwarfCursor table, long entries) {
    this.memory = memory;
    this.header = header;
    this.table = table;
    this.entries = entries;
  }

  /// @param start where the module's ELF header lies
  static Optional<CallFrames> of(Memory memory, long start) {
    try {
      DwarfCursor elf = new DwarfCursor(start, memory.read(start, ELF_HEADER_BYTES));
      if (elf.u32() != 0x464c457f) {
        return Optional.empty();
      }
      long segments = elf.from(start + 32).u64();
      long count = elf.from(start + 56).u16();
      DwarfCursor heads = new DwarfCursor(start + segments,
          memory.read(start + segments, (int) count * SEGMENT_BYTES));
      Optional<Long> first = Optional.empty();
      Optional<Long> found = Optional.empty();
      for (long at = heads.at(); count > 0; count--, at += SEGMENT_BYTES) {
        long type = heads.from(at).u32();
        long address = heads.from(at + 16).u64();
        if (type == PT_LOAD && first.isEmpty()) {
          first = Optional.of(address & -4096L);
        } else if (type == PT_GNU_EH_FRAME) {
          found = Optional.of(address);
        }
      }
      return found.isPresent() && first.isPresent() ? ofHeader(memory, start - first.get() + found.get())
          : Optional.empty();
    } catch (BufferUnderflowException e) {
      return Optional.empty();
    }
  }

  private static Optional<CallFrames> ofHeader(Memory memory, long header) {
    DwarfCursor head = new DwarfCursor(header, memory.read(header, 32));
    if (head.u8() != 1) {
      return Optional.empty();
    }
    int frames = head.u8();
    int countEncoding = head.u8();
    int encoding = head.u8();
    head.pointer(frames, header);
    long count = head.pointer(countEncoding, header);
    if (encoding != TABLE_ENCODING || count <= 0 || count > MAX_TABLE_BYTES / ENTRY_BYTES) {
      return Optional.empty();
    }
    return Optional.of(new CallFrames(memory, header,
        new DwarfCursor(head.at(), memory.read(head.at(), (int) count * ENTRY_BYTES)), count));
  }

  /// Of the function with this address.
  Optional<Description> at(long pc) {
    try {
      long below = 0;
      long above = entries;
      while (above - below > 1) {
        long middle = (below + above) / 2;
        if (location(middle) <= pc) {
          below = middle;
        } else {
          above = middle;
        }
      }
      return location(below) <= pc ? describe(header + entry(below, 4), pc) : Optional.empty();
    } catch (BufferUnderflowException e) {
      return Optional.empty();
    }
  }

  private long location(long entry) {
    return header + entry(entry, 0);
  }

  private long entry(long entry, int offset) {
    return table.from(table.at() + entry * ENTRY_BYTES + offset).s32();
  }

  private Optional<Description> describe(long address, long pc) {
    DwarfCursor bytes = new DwarfCursor(address, memory.read(address, MAX_DESCRIPTION_BYTES));
    long length = bytes.u32();
    if (length == WIDE) {
      return Optional.empty();
    }
    DwarfCursor fde = bytes.part(length);
    long common = fde.at();
    common -= fde.u32();
    Cie cie = Cie.read(new DwarfCursor(common, memory.read(common, MAX_DESCRIPTION_BYTES)));
    long begin = fde.pointer(cie.encoding, header);
    long end = begin + fde.pointer(cie.encoding & 15, 0);
    if (cie.sized) {
      fde.part(fde.uleb());
    }
    return pc < begin || pc >= end ? Optional.empty() : Optional.of(new Description(cie.instructions, fde, begin,
        cie.codeAlignment, cie.dataAlignment, cie.returnAddress, cie.encoding, cie.signalFrame));
  }

  /// What the descriptions of many functions have in common.
  private record Cie(DwarfCursor instructions, long codeAlignment, long dataAlignment, int returnAddress,
      int encoding, boolean sized, boolean signalFrame) {
    static Cie read(DwarfCursor bytes) {
      long length = bytes.u32();
      DwarfCursor cie = bytes.part(length);
      if (length == WIDE || cie.u32() != 0) {
        throw new BufferUnderflowException();
      }
      int version = cie.u8();
      String augmentation = cie.text();
      if (version == 4) {
        cie.part(2); // sizes of addresses and of segment selectors
      }
      long codeAlignment = cie.uleb();
      long dataAlignment = cie.sleb();
      int returnAddress = version == 1 ? cie.u8() : (int) cie.uleb();
      int encoding = 0;
      boolean signalFrame = false;
      boolean sized = augmentation.startsWith("z");
      if (sized) {
        DwarfCursor data = cie.part(cie.uleb());
        for (int letter : augmentation.substring(1).chars().toArray()) {
          switch (letter) {
            case 'R' -> encoding = data.u8();
            case 'P' -> data.pointer(data.u8(), 0);
            case 'L' -> data.u8();
            case 'S' -> signalFrame = true;
            default -> throw new BufferUnderflowException();
          }
        }
      }
      return new Cie(cie, codeAlignment, dataAlignment, returnAddress, encoding, sized, signalFrame);
    }
  }
}
