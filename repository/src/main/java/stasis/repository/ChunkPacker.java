package stasis.repository;

import com.github.luben.zstd.ZstdCompressCtx;
import java.security.MessageDigest;

/// Names chunks, and compresses those that are new. For one thread.
final class ChunkPacker implements AutoCloseable {
  private static final int LEVEL = 1;
  private static final int MARGIN_BYTES = 1024;

  private final PackWriter packs;
  private final ZstdCompressCtx zstd = new ZstdCompressCtx().setLevel(LEVEL);
  private final MessageDigest sha256 = Layout.sha256();
  private final byte[] compressed = new byte[Pack.MAX_CHUNK_BYTES + MARGIN_BYTES];

  ChunkPacker(PackWriter packs) {
    this.packs = packs;
  }

  /// Has a chunk stored unless it is already.
  ///
  /// @param lengthBytes 1 to 64 KiB
  ChunkId store(byte[] bytes, int offset, int lengthBytes) throws ImageException {
    sha256.update(bytes, offset, lengthBytes);
    ChunkId id = ChunkId.of(sha256.digest());
    if (packs.claim(id)) {
      int length = zstd.compressByteArray(compressed, 0, compressed.length, bytes, offset, lengthBytes);
      if (length < lengthBytes) {
        packs.put(id, compressed, length, lengthBytes);
      } else {
        System.arraycopy(bytes, offset, compressed, 0, lengthBytes);
        packs.put(id, compressed, lengthBytes, lengthBytes);
      }
    }
    return id;
  }

  @Override
  public void close() {
    zstd.close();
  }
}
