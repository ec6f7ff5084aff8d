package stasis.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// Which stored pages an mm still lacks, by the address they belong to now: the program moves, drops and copies memory
/// before it has all of it. What is in no piece has its contents already, or never had any. Any thread may use it.
final class MissingPages {
  private static final long PAGE = 4096;

  private final TreeMap<Long, Piece> pieces = new TreeMap<>();
  private long bytes;

  /// Pages that follow each other in memory and in the page section.
  record Piece(long start, long lengthBytes, long sectionOffset) {
    Piece {
      if (lengthBytes <= 0 || (lengthBytes | start) % PAGE != 0) {
        throw new IllegalArgumentException("a piece is whole pages, was 0x" + Long.toHexString(start) + "+"
            + lengthBytes);
      }
    }

    long end() {
      return start + lengthBytes;
    }

    /// The part in `[from, to)`, which must not be empty.
    Piece within(long from, long to) {
      long first = Math.max(from, start);
      return new Piece(first, Math.min(to, end()) - first, sectionOffset + first - start);
    }
  }

  MissingPages() {}

  private MissingPages(MissingPages other) {
    pieces.putAll(other.pieces);
    bytes = other.bytes;
  }

  /// What a child has that was born now.
  synchronized MissingPages copy() {
    return new MissingPages(this);
  }

  synchronized void add(Piece piece) {
    remove(piece.start(), piece.end());
    put(piece);
  }

  /// They are there, or will be zeros.
  synchronized void remove(long start, long end) {
    for (Piece piece : in(start, end)) {
      pieces.remove(piece.start());
      bytes -= piece.lengthBytes();
      if (piece.start() < start) {
        put(piece.within(piece.start(), start));
      }
      if (piece.end() > end) {
        put(piece.within(end, piece.end()));
      }
    }
  }

  /// What mremap(2) did. Pages that were at the new place are gone.
  synchronized void move(long from, long to, long lengthBytes) {
    List<Piece> moved = in(from, from + lengthBytes).stream()
        .map(piece -> piece.within(from, from + lengthBytes)).toList();
    remove(from, from + lengthBytes);
    remove(to, to + lengthBytes);
    moved.forEach(piece -> put(new Piece(piece.start() - from + to, piece.lengthBytes(), piece.sectionOffset())));
  }

  private void put(Piece piece) {
    pieces.put(piece.start(), piece);
    bytes += piece.lengthBytes();
  }

  private List<Piece> in(long start, long end) {
    var found = new ArrayList<Piece>();
    Map.Entry<Long, Piece> before = pieces.lowerEntry(start);
    if (before != null && before.getValue().end() > start) {
      found.add(before.getValue());
    }
    found.addAll(pieces.subMap(start, end).values());
    return found;
  }

  /// The piece that holds an address.
  synchronized Optional<Piece> at(long address) {
    return Optional.ofNullable(pieces.floorEntry(address)).map(Map.Entry::getValue)
        .filter(piece -> piece.end() > address);
  }

  /// The first piece, or what is left of it, from an address on.
  synchronized Optional<Piece> from(long address) {
    return at(address).map(piece -> piece.within(address, piece.end()))
        .or(() -> Optional.ofNullable(pieces.ceilingEntry(address)).map(Map.Entry::getValue));
  }

  /// Whether all of `piece` is still missing, and means the same pages.
  synchronized boolean has(Piece piece) {
    return at(piece.start()).filter(whole -> whole.end() >= piece.end()
        && whole.sectionOffset() + piece.start() - whole.start() == piece.sectionOffset()).isPresent();
  }

  synchronized void clear() {
    pieces.clear();
    bytes = 0;
  }

  synchronized boolean isEmpty() {
    return pieces.isEmpty();
  }

  synchronized long bytes() {
    return bytes;
  }
}
