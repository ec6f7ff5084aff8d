package stasis.repository;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.Optional;
import stasis.linux.abi.Bytes;

/// A checkpoint of a repository, read through its chunk map. What restored tasks read by themselves is laid out for
/// them in a memfd.
final class RepositoryReader implements ImageReader {
  private final Manifest manifest;
  private final ChunkStore store;
  private final ChunkMap map;
  private final AutoCloseable owned;
  private Optional<LaidOut> laidOut = Optional.empty();

  /// @param owned closed with it: the store, where that is its own
  private RepositoryReader(Manifest manifest, ChunkStore store, ChunkMap map, AutoCloseable owned) {
    this.manifest = manifest;
    this.store = store;
    this.map = map;
    this.owned = owned;
  }

  static RepositoryReader open(Manifest manifest, ChunkStore store, AutoCloseable owned) throws ImageException {
    try (ChunkReader reader = new ChunkReader(store)) {
      return new RepositoryReader(manifest, store, ChunkMap.read(manifest, reader), owned);
    }
  }

  ChunkMap map() {
    return map;
  }

  ChunkStore store() {
    return store;
  }

  @Override
  public Bytes metadata() throws ImageException {
    ByteBuffer all = ByteBuffer.allocate((int) manifest.metadataBytes());
    try (ChunkReader reader = new ChunkReader(store)) {
      for (Manifest.Part part : manifest.metadata()) {
        if (reader.read(part.id()) != part.count()) {
          throw new ImageException(ImageException.Reason.DAMAGED, "checkpoint " + manifest.title()
              + " has metadata of another length than it says", "take it from another copy of the repository");
        }
        all.put(reader.bytes(), 0, part.count());
      }
    }
    return Bytes.of(all.flip());
  }

  @Override
  public Optional<Bytes> certificate() {
    return manifest.certificate();
  }

  @Override
  public long pageBytes() {
    return manifest.pageBytes();
  }

  @Override
  public long fileBytes() {
    return manifest.metadataBytes() + manifest.pageBytes();
  }

  @Override
  public void readPages(long sectionOffset, ByteBuffer into) throws ImageException {
    try (ChunkSource source = pages()) {
      source.read(sectionOffset, MemorySegment.ofBuffer(into));
      into.position(into.limit());
    }
  }

  @Override
  public ChunkSource pages() {
    return new ChunkSource(map, store);
  }

  @Override
  public void verifyPages(int threads, BitSet without) throws ImageException {
    try {
      new PageWalk(pages(), pageBytes(), without).run(threads, (_, _) -> { });
    } catch (IOException e) {
      throw Faults.of(e, "cannot read pages", store.root());
    }
  }

  @Override
  public Optional<Bytes> signer() {
    return manifest.signature().map(ImageSignature::publicKey);
  }

  @Override
  public boolean isGuarded() {
    return store.vault().closes() || manifest.signature().isPresent();
  }

  @Override
  public void layOut(int threads, BitSet without) throws ImageException {
    laidOut = Optional.of(LaidOut.of(pages(), pageBytes(), threads, without));
  }

  @Override
  public Path pageFile() {
    return laidOut.orElseThrow(() -> new IllegalStateException("pages are not laid out")).path();
  }

  @Override
  public long pageOffset() {
    return 0;
  }

  @Override
  public void close() throws ImageException {
    laidOut.ifPresent(LaidOut::close);
    laidOut = Optional.empty();
    try {
      owned.close();
    } catch (ImageException e) {
      throw e;
    } catch (Exception e) {
      throw new AssertionError("closing a repository failed", e);
    }
  }
}
