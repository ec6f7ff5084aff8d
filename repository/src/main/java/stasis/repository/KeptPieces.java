package stasis.repository;

import java.util.List;
import java.util.Optional;

/// Which of the pieces of a new page section are there already, asked for one after the other.
final class KeptPieces {
  private final List<ImageContent.Kept> kept;
  private final Optional<EarlierChunks> earlier;
  private int next;
  private long sectionOffset;

  /// @param kept ascending
  KeptPieces(List<ImageContent.Kept> kept, Optional<EarlierChunks> earlier) {
    if (!kept.isEmpty() && earlier.isEmpty()) {
      throw new IllegalArgumentException("nobody asked for earlier pages");
    }
    this.kept = kept;
    this.earlier = earlier;
  }

  /// What the next piece is, if it is there.
  Optional<ChunkMap.Piece> next(int lengthBytes) {
    if (next == kept.size() || sectionOffset + lengthBytes <= kept.get(next).sectionOffset()) {
      return Optional.empty();
    }
    ImageContent.Kept range = kept.get(next);
    long in = sectionOffset - range.sectionOffset();
    if (in < 0 || in + lengthBytes > range.lengthBytes()) {
      throw new IllegalArgumentException("no whole pieces are kept: " + range);
    }
    return Optional.of(earlier.orElseThrow().piece(range.earlierOffset() + in, lengthBytes));
  }

  /// Goes on behind the next piece.
  void taken(int lengthBytes) {
    sectionOffset += lengthBytes;
    if (next < kept.size() && sectionOffset == kept.get(next).sectionOffset() + kept.get(next).lengthBytes()) {
      next++;
    }
  }
}
