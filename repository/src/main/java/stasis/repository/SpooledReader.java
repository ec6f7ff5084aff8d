package stasis.repository;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.Optional;
import stasis.linux.abi.Bytes;

/// An image that came through a pipe, in a folder that goes with it.
record SpooledReader(FolderReader image, Path folder) implements ImageReader {
  @Override
  public Bytes metadata() throws ImageException {
    return image.metadata();
  }

  @Override
  public long pageBytes() {
    return image.pageBytes();
  }

  @Override
  public long fileBytes() {
    return image.fileBytes();
  }

  @Override
  public void readPages(long sectionOffset, ByteBuffer into) throws ImageException {
    image.readPages(sectionOffset, into);
  }

  @Override
  public PageSource pages() {
    return image.pages();
  }

  @Override
  public void verifyPages(int threads, BitSet without) throws ImageException {
    image.verifyPages(threads, without);
  }

  @Override
  public void layOut(int threads, BitSet without) throws ImageException {
    image.layOut(threads, without);
  }

  @Override
  public Path pageFile() {
    return image.pageFile();
  }

  @Override
  public long pageOffset() {
    return image.pageOffset();
  }

  @Override
  public Optional<Bytes> signer() {
    return image.signer();
  }

  @Override
  public boolean isGuarded() {
    return image.isGuarded();
  }

  @Override
  public void close() throws ImageException {
    try (image) {
      Files.deleteIfExists(image.file());
      Files.deleteIfExists(folder);
    } catch (IOException e) {
      throw Faults.of(e, "cannot delete what came in", folder);
    }
  }
}
