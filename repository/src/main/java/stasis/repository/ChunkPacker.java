package stasis.repository;

import com.github.luben.zstd.ZstdCompressCtx;
import java.nio.ByteBuffer;

/// Names chunks, and compresses those that are new. For one thread.
final class ChunkPacker implements AutoCloseable {
  private static final int LEVEL = 1;
  private static final int MARGIN_BYTES = 1024;

  private final PackWriter packs;
  private final ZstdCompressCtx zstd = new ZstdCompressCtx().setLevel(LEVEL);
  private final Vault.Worker vault;
  private final byte[] compressed = new byte[Pack.MAX_CHUNK_BYTES + MARGIN_BYTES];
  private final byte[] closed = new byte[Pack.MAX_STORED_BYTES];

  ChunkPacker(PackWriter packs, Vault vault) {
    this.packs = packs;
    this.vault = vault.worker();
  }

  /// Has a chunk stored unless it is already.
  ///
  /// @param lengthBytes 1 to 64 KiB
  ChunkId store(byte[] bytes, int offset, int lengthBytes) throws ImageException {
    ChunkId id = vault.name(bytes, offset, lengthBytes);
    if (packs.claim(id)) {
      int length = zstd.compressByteArray(compressed, 0, compressed.length, bytes, offset, lengthBytes);
      ByteBuffer packed = length < lengthBytes ? ByteBuffer.wrap(compressed, 0, length)
          : ByteBuffer.wrap(bytes, offset, lengthBytes);
      packs.put(id, closed, vault.close(id, lengthBytes, packed, closed), lengthBytes);
    }
    return id;
  }

  @Override
  public void close() {
    zstd.close();
  }
}
