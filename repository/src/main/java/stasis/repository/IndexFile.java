package stasis.repository;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/// One index of a repository, looked up where it lies. May be used by several threads.
final class IndexFile {
  static final String SUFFIX = ".index";
  private static final long MAGIC = 0x0a_32_58_44_49_54_53_89L;
  private static final int VERSION = 1;
  private static final int HEADER_BYTES = 32;
  private static final int PACK_BYTES = 24;
  private static final int ENTRY_BYTES = 48;
  /// After so many guesses that missed, halves: whoever wrote the file may have chosen its contents.
  private static final int GUESSES = 8;
  private static final ValueLayout.OfLong WORD =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
  private static final ValueLayout.OfInt NUMBER =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Path file;
  private final MemorySegment bytes;
  private final List<String> packs;
  private final long firstEntry;
  private final long count;

  private IndexFile(Path file, MemorySegment bytes, List<String> packs, long count) {
    this.file = file;
    this.bytes = bytes;
    this.packs = packs;
    this.count = count;
    this.firstEntry = HEADER_BYTES + (long) PACK_BYTES * packs.size();
  }

  /// @param sorted by id @param lengths of the packs
  static ByteBuffer encode(List<Pack.Entry> sorted, Map<String, Long> lengths) {
    List<String> packs = lengths.keySet().stream().sorted().toList();
    Map<String, Integer> numbers = new HashMap<>();
    packs.forEach(pack -> numbers.put(pack, numbers.size()));
    ByteBuffer out = ByteBuffer.allocate(HEADER_BYTES + PACK_BYTES * packs.size() + ENTRY_BYTES * sorted.size() + 4)
        .order(ByteOrder.LITTLE_ENDIAN);
    out.putLong(MAGIC).putInt(VERSION).putInt(packs.size()).putLong(sorted.size()).putInt(0);
    out.putInt(Layout.crc(out.duplicate().flip()));
    for (String pack : packs) {
      out.put(HexFormat.of().parseHex(pack)).putLong(lengths.getOrDefault(pack, 0L));
    }
    for (Pack.Entry entry : sorted) {
      entry.id().write(out);
      out.putInt(numbers.getOrDefault(entry.pack(), 0)).putInt(entry.storedBytes()).putInt(entry.bytes())
          .putInt(entry.offset());
    }
    out.putInt(Layout.crc(out.duplicate().flip()));
    return out.flip();
  }

  /// The name under which these contents are kept.
  static String name(ByteBuffer content) {
    return Pack.name(content) + SUFFIX;
  }

  static IndexFile open(Path file, Arena arena) throws ImageException, IOException {
    MemorySegment bytes;
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      if (channel.size() < HEADER_BYTES + 4) {
        throw damaged(file, "is cut short");
      }
      bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
    }
    ByteBuffer header = bytes.asSlice(0, HEADER_BYTES).asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    if (header.getLong(0) != MAGIC || header.getInt(28) != Layout.crc(header.slice(0, 28))) {
      throw damaged(file, "has a damaged head");
    } else if (header.getInt(8) != VERSION) {
      throw new ImageException(ImageException.Reason.TOO_NEW, file + " has version " + header.getInt(8)
          + ", and this reader knows version " + VERSION, "use a newer Stasis");
    }
    long packCount = Integer.toUnsignedLong(header.getInt(12));
    long count = header.getLong(16);
    if (count < 0 || count > bytes.byteSize() / ENTRY_BYTES
        || bytes.byteSize() != HEADER_BYTES + PACK_BYTES * packCount + ENTRY_BYTES * count + 4) {
      throw damaged(file, "is cut short");
    }
    List<String> packs = new ArrayList<>();
    for (int i = 0; i < packCount; i++) {
      packs.add(HexFormat.of().formatHex(bytes.asSlice(HEADER_BYTES + (long) PACK_BYTES * i, Pack.NAME_BYTES)
          .toArray(ValueLayout.JAVA_BYTE)));
    }
    return new IndexFile(file, bytes, List.copyOf(packs), count);
  }

  private static ImageException damaged(Path file, String how) {
    return new ImageException(ImageException.Reason.DAMAGED, file + " " + how, "take another copy of it");
  }

  Path file() {
    return file;
  }

  List<String> packs() {
    return packs;
  }

  long count() {
    return count;
  }

  Optional<Pack.Entry> find(ChunkId id) throws ImageException {
    long low = 0;
    long high = count - 1;
    for (int looks = 0; low <= high; looks++) {
      long at = looks < GUESSES ? guess(id, low, high) : (low + high) >>> 1;
      int order = Long.compareUnsigned(word(at), id.a());
      order = order == 0 ? id(at).compareTo(id) : order;
      if (order == 0) {
        return Optional.of(entry(at));
      } else if (order < 0) {
        low = at + 1;
      } else {
        high = at - 1;
      }
    }
    return Optional.empty();
  }

  /// Where it would be between two others: ids are hashes, so they lie evenly.
  private long guess(ChunkId id, long low, long high) {
    double first = (word(low) >>> 1);
    double span = (word(high) >>> 1) - first;
    double share = span <= 0 ? 0 : ((id.a() >>> 1) - first) / span;
    return low + (long) (Math.clamp(share, 0.0, 1.0) * (high - low));
  }

  /// The first eight bytes of an id.
  private long word(long number) {
    return bytes.get(WORD, firstEntry + number * ENTRY_BYTES);
  }

  private ChunkId id(long number) {
    long at = firstEntry + number * ENTRY_BYTES;
    return new ChunkId(bytes.get(WORD, at), bytes.get(WORD, at + 8), bytes.get(WORD, at + 16),
        bytes.get(WORD, at + 24));
  }

  private Pack.Entry entry(long number) throws ImageException {
    long at = firstEntry + number * ENTRY_BYTES + ChunkId.BYTES;
    int pack = bytes.get(NUMBER, at);
    int stored = bytes.get(NUMBER, at + 4);
    int length = bytes.get(NUMBER, at + 8);
    int offset = bytes.get(NUMBER, at + 12);
    if (pack < 0 || pack >= packs.size() || !Pack.plausible(stored, length) || offset < Pack.HEADER_BYTES) {
      throw damaged(file, "has a damaged entry");
    }
    return new Pack.Entry(id(number), packs.get(pack), offset, stored, length);
  }

  void each(Consumer<Pack.Entry> consumer) throws ImageException {
    for (long i = 0; i < count; i++) {
      consumer.accept(entry(i));
    }
  }

  /// Reads all of it. @throws ImageException when a byte of it has changed, or the order is wrong
  void verify() throws ImageException {
    try {
      ByteBuffer content = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
      if (Layout.crc(content.slice(0, content.limit() - 4)) != content.getInt(content.limit() - 4)) {
        throw damaged(file, "does not match its checksum");
      }
    } catch (IOException e) {
      throw Faults.of(e, "cannot read the index", file);
    }
    for (long i = 1; i < count; i++) {
      if (id(i - 1).compareTo(id(i)) >= 0) {
        throw damaged(file, "is not in order");
      }
    }
  }
}
