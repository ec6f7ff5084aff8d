package stasis.repository;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Which chunk each piece of a page section is: pieces in section order, 36 bytes each.
final class ChunkMap {
  static final int PIECE_BYTES = 4 + ChunkId.BYTES;
  /// What fits into one chunk.
  static final int MAX_PART_PIECES = Pack.MAX_CHUNK_BYTES / PIECE_BYTES;
  private static final int MAX_PAGES = 16;
  private static final ChunkId NONE = new ChunkId(0, 0, 0, 0);

  private final ByteBuffer pieces;
  /// Section offsets, one more than there are pieces.
  private final long[] starts;

  private ChunkMap(ByteBuffer pieces, long[] starts) {
    this.pieces = pieces;
    this.starts = starts;
  }

  /// @param mask bit i: page i is in the chunk @param pages how many it is in the section
  record Piece(int mask, int pages, ChunkId id) {
    int chunkBytes() {
      return Integer.bitCount(mask) * Layout.ALIGNMENT_BYTES;
    }

    void write(ByteBuffer out) {
      out.putShort((short) mask).put((byte) pages).put((byte) 0);
      id.write(out);
    }

    static Piece zeros(int pages) {
      return new Piece(0, pages, NONE);
    }
  }

  /// Collects pieces into parts, each a chunk of its own.
  static final class Builder implements ChunkSink.Pieces {
    private final ChunkPacker packer;
    private final ByteBuffer part = ByteBuffer.allocate(MAX_PART_PIECES * PIECE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private final List<Manifest.Part> parts = new ArrayList<>();

    Builder(ChunkPacker packer) {
      this.packer = packer;
    }

    @Override
    public void add(Piece piece) throws ImageException {
      piece.write(part);
      if (!part.hasRemaining() || piece.mask() != 0 && piece.id().cuts()) {
        cut();
      }
    }

    private void cut() throws ImageException {
      parts.add(new Manifest.Part(packer.store(part.array(), 0, part.position()), part.position() / PIECE_BYTES));
      part.clear();
    }

    List<Manifest.Part> finish() throws ImageException {
      if (part.position() > 0) {
        cut();
      }
      return List.copyOf(parts);
    }
  }

  /// A map that no checkpoint has.
  static ChunkMap of(List<Piece> pieces) {
    ByteBuffer all = ByteBuffer.allocate(Math.multiplyExact(pieces.size(), PIECE_BYTES)).order(ByteOrder.LITTLE_ENDIAN);
    long[] starts = new long[pieces.size() + 1];
    for (int i = 0; i < pieces.size(); i++) {
      pieces.get(i).write(all);
      starts[i + 1] = starts[i] + (long) pieces.get(i).pages() * Layout.ALIGNMENT_BYTES;
    }
    return new ChunkMap(all.flip(), starts);
  }

  /// Of all pieces together.
  long pageBytes() {
    return starts[count()];
  }

  /// @throws ImageException also when it is not the map of so many bytes of pages
  static ChunkMap read(Manifest manifest, ChunkReader reader) throws ImageException {
    long count = manifest.pages().stream().mapToLong(Manifest.Part::count).sum();
    if (count > Integer.MAX_VALUE / PIECE_BYTES) {
      throw damaged(manifest, "has more pieces than this reader takes");
    }
    ByteBuffer pieces = ByteBuffer.allocate((int) count * PIECE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (Manifest.Part part : manifest.pages()) {
      int length = reader.read(part.id());
      if (length != (long) part.count() * PIECE_BYTES) {
        throw damaged(manifest, "has a chunk map of another length than it says");
      }
      pieces.put(reader.bytes(), 0, length);
    }
    ChunkMap map = new ChunkMap(pieces.flip(), new long[(int) count + 1]);
    for (int i = 0; i < count; i++) {
      Piece piece = map.piece(i);
      if (piece.pages() < 1 || piece.pages() > MAX_PAGES || piece.mask() >>> piece.pages() != 0) {
        throw damaged(manifest, "has an impossible piece in its chunk map");
      }
      map.starts[i + 1] = map.starts[i] + (long) piece.pages() * Layout.ALIGNMENT_BYTES;
    }
    if (map.starts[(int) count] != manifest.pageBytes()) {
      throw damaged(manifest, "has a chunk map of " + map.starts[(int) count] + " bytes of pages, not "
          + manifest.pageBytes());
    }
    return map;
  }

  private static ImageException damaged(Manifest manifest, String how) {
    return new ImageException(ImageException.Reason.DAMAGED, "checkpoint " + manifest.title() + " " + how,
        "take it from another copy of the repository");
  }

  int count() {
    return starts.length - 1;
  }

  Piece piece(int index) {
    ByteBuffer at = pieces.slice(index * PIECE_BYTES, PIECE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    int mask = Short.toUnsignedInt(at.getShort());
    int pages = Short.toUnsignedInt(at.getShort()); // its fourth byte is 0
    return new Piece(mask, pages, ChunkId.read(at));
  }

  /// What makes a writer cut the same pieces again.
  List<ImageContent.Stretch> stretches() {
    List<ImageContent.Stretch> stretches = new ArrayList<>();
    for (int i = 0; i < count(); i++) {
      stretches.add(new ImageContent.Stretch(i, 0, starts[i + 1] - starts[i]));
    }
    return stretches;
  }

  /// Section offset of its first byte.
  long start(int index) {
    return starts[index];
  }

  /// The piece in which this byte of the section lies.
  int at(long sectionOffset) {
    int found = Arrays.binarySearch(starts, sectionOffset);
    return found >= 0 ? found : -found - 2;
  }
}
