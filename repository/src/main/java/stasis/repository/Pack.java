package stasis.repository;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/// A file of chunks as it is laid out: `docs/repository-format.md`.
final class Pack {
  static final String SUFFIX = ".pack";
  static final long MAGIC = 0x0a_4b_43_41_50_54_53_89L;
  static final int VERSION = 1;
  static final int HEADER_BYTES = 16;
  static final int ENTRY_BYTES = 48;
  static final int TAIL_BYTES = 24;
  static final int NAME_BYTES = 16;
  /// So that its table stays small beside it.
  static final int MAX_CHUNKS = 16_384;
  static final int MAX_BYTES = 8 << 20;
  /// What a chunk may have.
  static final int MAX_CHUNK_BYTES = 64 << 10;
  /// As it lies in a pack.
  static final int MAX_STORED_BYTES = MAX_CHUNK_BYTES + Vault.OVERHEAD_BYTES;

  private Pack() {}

  /// Where a chunk lies.
  ///
  /// @param storedBytes as many as `bytes`, and what closing adds: not compressed
  record Entry(ChunkId id, String pack, int offset, int storedBytes, int bytes) {}

  /// The table of a pack as bytes.
  static ByteBuffer table(List<Entry> entries) {
    ByteBuffer table = ByteBuffer.allocate(ENTRY_BYTES * entries.size()).order(ByteOrder.LITTLE_ENDIAN);
    for (Entry entry : entries) {
      entry.id().write(table);
      table.putLong(entry.offset()).putInt(entry.storedBytes()).putInt(entry.bytes());
    }
    return table.flip();
  }

  static String name(ByteBuffer table) {
    var sha256 = Layout.sha256();
    sha256.update(table.duplicate());
    return HexFormat.of().formatHex(sha256.digest(), 0, NAME_BYTES);
  }

  static void header(MemorySegment pack) {
    pack.asByteBuffer().order(ByteOrder.LITTLE_ENDIAN).putLong(MAGIC).putInt(VERSION).putInt(0);
  }

  /// Ends a pack.
  ///
  /// @param at where its chunks end @return the pack's length
  static int end(MemorySegment pack, int at, ByteBuffer table) {
    ByteBuffer out = pack.asByteBuffer().order(ByteOrder.LITTLE_ENDIAN).position(at);
    out.put(table.duplicate());
    out.putInt(table.remaining() / ENTRY_BYTES).putInt(Layout.crc(table)).putLong(at).putLong(MAGIC);
    return out.position();
  }

  /// The table of a pack that is there.
  ///
  /// @throws ImageException when it is not one, or not whole
  static List<Entry> read(Path file) throws ImageException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long size = channel.size();
      if (size < HEADER_BYTES + TAIL_BYTES || size > Integer.MAX_VALUE) {
        throw damaged(file, "has an impossible length");
      }
      ByteBuffer header = bytes(channel, 0, HEADER_BYTES);
      ByteBuffer tail = bytes(channel, size - TAIL_BYTES, TAIL_BYTES);
      if (header.getLong(0) != MAGIC || tail.getLong(16) != MAGIC) {
        throw damaged(file, "is no pack, or cut short");
      }
      if (header.getInt(8) != VERSION) {
        throw new ImageException(ImageException.Reason.TOO_NEW, file + " has version " + header.getInt(8)
            + ", and this reader knows version " + VERSION, "use a newer Stasis");
      }
      if (header.getInt(12) != 0) {
        throw damaged(file, "has a damaged head");
      }
      long count = Integer.toUnsignedLong(tail.getInt(0));
      long at = tail.getLong(8);
      if (at < HEADER_BYTES || at != size - TAIL_BYTES - count * ENTRY_BYTES) {
        throw damaged(file, "has an impossible table");
      }
      ByteBuffer table = bytes(channel, at, (int) (size - TAIL_BYTES - at));
      if (Layout.crc(table) != tail.getInt(4)) {
        throw damaged(file, "has a damaged table");
      }
      return entries(file, table, at);
    } catch (IOException e) {
      throw Faults.of(e, "cannot read a pack", file);
    }
  }

  private static List<Entry> entries(Path file, ByteBuffer table, long end) throws ImageException {
    String name = file.getFileName().toString().replace(SUFFIX, "");
    if (!name(table).equals(name)) {
      throw damaged(file, "has the table of another pack");
    }
    List<Entry> entries = new ArrayList<>();
    while (table.hasRemaining()) {
      ChunkId id = ChunkId.read(table);
      long offset = table.getLong();
      int stored = table.getInt();
      int bytes = table.getInt();
      if (offset < HEADER_BYTES || !plausible(stored, bytes) || offset > end - stored) {
        throw damaged(file, "has an impossible table");
      }
      entries.add(new Entry(id, name, (int) offset, stored, bytes));
    }
    return entries;
  }

  static boolean plausible(int storedBytes, int bytes) {
    return storedBytes > 0 && storedBytes <= bytes + Vault.OVERHEAD_BYTES && bytes > 0 && bytes <= MAX_CHUNK_BYTES;
  }

  private static ImageException damaged(Path file, String how) {
    return new ImageException(ImageException.Reason.DAMAGED, file + " " + how, "take another copy of it");
  }

  private static ByteBuffer bytes(FileChannel channel, long offset, int lengthBytes) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(lengthBytes).order(ByteOrder.LITTLE_ENDIAN);
    FolderReader.readFully(channel, offset, bytes);
    return bytes.flip();
  }
}
