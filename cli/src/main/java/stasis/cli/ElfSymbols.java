package stasis.cli;

import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;

/// Functions of a 64-bit ELF file by their places in the file. A file that is none, or another by now, has none.
final class ElfSymbols {
  private static final int MAGIC = 0x464c457f;
  private static final int SECTION_BYTES = 64;
  private static final int SEGMENT_BYTES = 56;
  private static final int SYMBOL_BYTES = 24;
  private static final int PT_LOAD = 1;
  private static final int SHT_SYMTAB = 2;
  private static final int SHT_DYNSYM = 11;
  private static final int STT_FUNC = 2;
  private static final int MAX_SYMBOLS = 1_000_000;
  private static final int MAX_NAME_BYTES = 512;

  private record Function(String name, long lengthBytes) {}

  private final NavigableMap<Long, Function> byOffset = new TreeMap<>();

  private ElfSymbols() {}

  /// @param sizeBytes that the file had when the image was made
  static ElfSymbols read(String path, long sizeBytes) {
    ElfSymbols symbols = new ElfSymbols();
    Path file = Path.of(path);
    try {
      if (Files.isRegularFile(file) && Files.size(file) == sizeBytes && sizeBytes < Integer.MAX_VALUE) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
          MappedByteBuffer all = channel.map(FileChannel.MapMode.READ_ONLY, 0, sizeBytes);
          symbols.parse(all.order(ByteOrder.LITTLE_ENDIAN));
        }
      }
    } catch (IOException | IndexOutOfBoundsException | BufferUnderflowException | IllegalArgumentException _) {
      return symbols; // names are a help, not an answer
    }
    return symbols;
  }

  private void parse(ByteBuffer elf) {
    if (elf.getInt(0) != MAGIC || elf.get(4) != 2) {
      return;
    }
    int sections = Math.toIntExact(elf.getLong(40));
    for (int i = 0; i < Short.toUnsignedInt(elf.getShort(60)); i++) {
      int at = sections + i * SECTION_BYTES;
      int type = elf.getInt(at + 4);
      if (type == SHT_SYMTAB || type == SHT_DYNSYM) {
        int strings = sections + elf.getInt(at + 40) * SECTION_BYTES;
        table(elf, (int) elf.getLong(at + 24), (int) elf.getLong(at + 32), (int) elf.getLong(strings + 24));
      }
    }
  }

  private void table(ByteBuffer elf, int offset, int lengthBytes, int strings) {
    for (int i = 0; i < Math.min(lengthBytes / SYMBOL_BYTES, MAX_SYMBOLS); i++) {
      int at = offset + i * SYMBOL_BYTES;
      long value = elf.getLong(at + 8);
      if ((elf.get(at + 4) & 15) == STT_FUNC && value != 0) {
        String name = name(elf, strings + elf.getInt(at));
        inFile(elf, value).ifPresent(place -> byOffset.putIfAbsent(place, new Function(name, elf.getLong(at + 16))));
      }
    }
  }

  private static Optional<Long> inFile(ByteBuffer elf, long address) {
    int segments = (int) elf.getLong(32);
    for (int i = 0; i < Short.toUnsignedInt(elf.getShort(56)); i++) {
      int at = segments + i * SEGMENT_BYTES;
      long start = elf.getLong(at + 16);
      if (elf.getInt(at) == PT_LOAD && start <= address && address < start + elf.getLong(at + 32)) {
        return Optional.of(elf.getLong(at + 8) + address - start);
      }
    }
    return Optional.empty();
  }

  private static String name(ByteBuffer elf, int at) {
    int end = at;
    while (elf.get(end) != 0 && end - at < MAX_NAME_BYTES) {
      end++;
    }
    byte[] name = new byte[end - at];
    elf.get(at, name);
    return MemoryRows.printable(new String(name, StandardCharsets.ISO_8859_1));
  }

  /// `function+0x12`, by a place in the file.
  ///
  /// @param fartherBytes to add to what is said
  Optional<String> at(long offset, long fartherBytes) {
    Map.Entry<Long, Function> before = byOffset.floorEntry(offset);
    if (before == null || offset - before.getKey() >= Math.max(1, before.getValue().lengthBytes())) {
      return Optional.empty();
    }
    return Optional.of(before.getValue().name() + "+0x" + Long.toHexString(offset - before.getKey() + fartherBytes));
  }
}
