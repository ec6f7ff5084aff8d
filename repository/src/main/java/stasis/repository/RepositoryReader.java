package stasis.repository;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.BitSet;
import java.util.Optional;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;

/// A checkpoint of a repository, read through its chunk map. What restored tasks read by themselves is laid out for
/// them in a memfd.
final class RepositoryReader implements ImageReader {
  private static final int MFD_CLOEXEC = 1;

  private final Manifest manifest;
  private final ChunkStore store;
  private final ChunkMap map;
  private final AutoCloseable owned;
  private Optional<Long> laidOut = Optional.empty();

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
  public void layOut(int threads, BitSet without) throws ImageException {
    long fd = memfd();
    laidOut = Optional.of(fd);
    try (FileChannel channel = FileChannel.open(pageFile(), StandardOpenOption.WRITE)) {
      new PageWalk(pages(), pageBytes(), without).run(threads, (offset, bytes) -> {
        if (bytes.mismatch(MemorySegment.ofArray(new byte[(int) bytes.byteSize()])) >= 0) {
          ByteBuffer rest = bytes.asByteBuffer();
          while (rest.hasRemaining()) {
            channel.write(rest, offset + rest.position());
          }
        }
      });
      if (channel.size() < pageBytes()) {
        channel.write(ByteBuffer.allocate(1), pageBytes() - 1); // zeros at the end are there as well
      }
    } catch (IOException e) {
      throw Faults.of(e, "cannot lay out pages in memory", pageFile());
    }
  }

  private static long memfd() throws ImageException {
    try (Arena arena = Arena.ofConfined()) {
      long fd = Syscalls.call(Nr.MEMFD_CREATE, arena.allocateFrom("stasis-pages").address(), MFD_CLOEXEC);
      if (Errno.isError(fd)) {
        throw new ImageException(ImageException.Reason.DEVICE, "no memory file for pages can be made: "
            + Errno.of(fd).meaning(), "allow more open files or memory");
      }
      return fd;
    }
  }

  @Override
  public Path pageFile() {
    return Path.of("/proc/self/fd/" + laidOut.orElseThrow(() -> new IllegalStateException("pages are not laid out")));
  }

  @Override
  public long pageOffset() {
    return 0;
  }

  @Override
  public void close() throws ImageException {
    laidOut.ifPresent(fd -> Syscalls.call(Nr.CLOSE, fd));
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
