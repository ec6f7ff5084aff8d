package stasis.repository;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.Optional;
import stasis.linux.abi.Bytes;

/// An image as it lies on the device, hostile until proven whole: opening it checks everything but page contents,
/// [#verifyPages] those. What happens to its name meanwhile changes nothing for an open one.
public interface ImageReader extends AutoCloseable {
  /// @param image the folder, or the statefile in it
  /// @throws ImageException in one sentence: no image, damaged, or newer than this reader
  static ImageReader open(Path image) throws ImageException {
    return open(image, Keys.NONE);
  }

  /// As above. @param keys that open it; none for one that is not encrypted
  static ImageReader open(Path image, Keys keys) throws ImageException {
    return FolderReader.open(image, Opener.of(keys));
  }

  /// The metadata section, whose digest was checked.
  Bytes metadata() throws ImageException;

  /// Length of the page section.
  long pageBytes();

  /// How much there is to read.
  long fileBytes();

  /// Fills the buffer from the page section.
  ///
  /// @param sectionOffset of the first byte, as in the page maps
  void readPages(long sectionOffset, ByteBuffer into) throws ImageException;

  /// Who has signed it, if somebody has: a public key of Ed25519. The signature was checked.
  default Optional<Bytes> signer() {
    return Optional.empty();
  }

  /// Whether somebody is reckoned with who may have changed it. Then all of it is looked at before anything is made of
  /// it; else pages may be checked as they are used.
  default boolean isGuarded() {
    return false;
  }

  /// What is read through it is checked as it is read.
  PageSource pages() throws ImageException;

  /// Reads all pages and compares them with their digests, on several threads.
  ///
  /// @throws ImageException naming the first damaged place
  default void verifyPages(int threads) throws ImageException {
    verifyPages(threads, new BitSet());
  }

  /// As above, but for the MiBs that are checked elsewhere.
  void verifyPages(int threads, BitSet without) throws ImageException;

  /// As [#verifyPages], and makes what it has seen readable through [#pageFile].
  default void layOut(int threads, BitSet without) throws ImageException {
    verifyPages(threads, without);
  }

  /// The file in which a restored task itself reads pages; after [#layOut], while this is open.
  Path pageFile();

  /// Where the page section begins in [#pageFile].
  long pageOffset();

  /// What was proved of it when it was written: a record of `certificate`; empty when nothing was.
  default Optional<Bytes> certificate() throws ImageException {
    return Optional.empty();
  }

  @Override
  void close() throws ImageException;
}
