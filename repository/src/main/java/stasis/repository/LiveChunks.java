package stasis.repository;

import java.util.ArrayList;
import java.util.List;

/// Which chunks a checkpoint needs.
final class LiveChunks {
  private LiveChunks() {}

  /// Given each.
  @FunctionalInterface
  interface Visitor {
    void visit(ChunkId id) throws ImageException;
  }

  /// Those that must be readable before the others are known.
  static List<ChunkId> ofManifest(Manifest manifest) {
    List<ChunkId> ids = new ArrayList<>();
    manifest.metadata().forEach(part -> ids.add(part.id()));
    manifest.pages().forEach(part -> ids.add(part.id()));
    return ids;
  }

  /// All of them, some perhaps more than once.
  static void each(Manifest manifest, ChunkReader reader, Visitor visitor) throws ImageException {
    for (ChunkId id : ofManifest(manifest)) {
      visitor.visit(id);
    }
    ChunkMap map = ChunkMap.read(manifest, reader);
    for (int i = 0; i < map.count(); i++) {
      ChunkMap.Piece piece = map.piece(i);
      if (piece.mask() != 0) {
        visitor.visit(piece.id());
      }
    }
  }
}
