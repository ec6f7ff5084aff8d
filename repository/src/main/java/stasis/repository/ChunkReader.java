package stasis.repository;

import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.util.Optional;
import javax.crypto.AEADBadTagException;

/// Reads chunks, each compared with its name. For one thread.
final class ChunkReader implements AutoCloseable {
  private final ChunkStore store;
  private final ZstdDecompressCtx zstd = new ZstdDecompressCtx();
  private final Vault.Worker vault;
  private final byte[] stored = new byte[Pack.MAX_STORED_BYTES];
  private final byte[] packed = new byte[Pack.MAX_STORED_BYTES];
  private final byte[] bytes = new byte[Pack.MAX_CHUNK_BYTES];
  private int storedBytes;

  ChunkReader(ChunkStore store) {
    this.store = store;
    this.vault = store.vault().worker();
  }

  /// What the last [#read] found.
  byte[] bytes() {
    return bytes;
  }

  /// As it lies in its pack, after [#read].
  byte[] stored() {
    return stored;
  }

  /// How many of [#stored] it is.
  int storedBytes() {
    return storedBytes;
  }

  /// @return how many of [#bytes] it is
  /// @throws ImageException when it is in no pack, or not what was written
  int read(ChunkId id) throws ImageException {
    Optional<Pack.Entry> entry = store.find(id);
    if (entry.isEmpty()) {
      throw new ImageException(ImageException.Reason.DAMAGED, "chunk " + id + " is in no pack of " + store.root(),
          "`stasis verify` says which checkpoints lack it; take them from another copy");
    }
    return read(entry.get());
  }

  int read(Pack.Entry entry) throws ImageException {
    int length = unpack(entry);
    if (length != entry.bytes() || !vault.name(bytes, 0, length).equals(entry.id())) {
      throw damaged(entry);
    }
    return length;
  }

  private int unpack(Pack.Entry entry) throws ImageException {
    storedBytes = entry.storedBytes();
    try {
      FolderReader.readFully(store.pack(entry.pack()), entry.offset(),
          ByteBuffer.wrap(stored, 0, entry.storedBytes()));
      int length = vault.open(entry, stored, packed);
      if (length == entry.bytes()) { // else it was compressed
        System.arraycopy(packed, 0, bytes, 0, length);
        return length;
      }
      return zstd.decompressByteArray(bytes, 0, bytes.length, packed, 0, length);
    } catch (ZstdException | AEADBadTagException e) {
      throw damaged(entry);
    } catch (NoSuchFileException e) {
      throw new ImageException(ImageException.Reason.DAMAGED, "the pack " + store.packFile(entry.pack()) + " is gone",
          "`stasis verify` says which checkpoints lack it; take it from another copy", e);
    } catch (IOException e) {
      throw Faults.of(e, "cannot read a pack", store.packFile(entry.pack()));
    }
  }

  private ImageException damaged(Pack.Entry entry) {
    return new ImageException(ImageException.Reason.DAMAGED, store.packFile(entry.pack()) + " is damaged at bytes "
        + entry.offset() + " to " + (entry.offset() + entry.storedBytes()),
        "`stasis verify` says which checkpoints that hits; take the pack from another copy");
  }

  @Override
  public void close() {
    zstd.close();
  }
}
