package stasis.repository;

import java.util.List;
import java.util.Optional;
import stasis.linux.abi.Bytes;

/// Writes one image in one pass: [#writeMetadata], then [#pages], then [#commit]. Until commit no reader sees any of
/// it; close without commit takes it back. For one thread.
public interface ImageWriter extends AutoCloseable {
  /// Looks at what was written before it counts: decodes it, plans it, and throws if that cannot be restored.
  @FunctionalInterface
  interface Check<X extends Exception> {
    void examine(ImageReader written) throws X, ImageException;
  }

  /// The pages of an image that lies where this one goes. To be asked for before [#writeMetadata].
  ///
  /// @return empty when that image is not there any more, and always where contents are not shared
  default Optional<EarlierImage> earlier(ImageIdentity image) {
    return Optional.empty();
  }

  /// Takes pages that the image can keep later, whatever has become of the others by then. To be asked for before
  /// [#writeMetadata], as often as wanted; what each time keeps is of the time before.
  ///
  /// @param told with no metadata @return empty where contents are not shared
  default Optional<AheadPages> ahead(ImageContent told) throws ImageException {
    return Optional.empty();
  }

  /// Writes the metadata. Once, and first.
  ///
  /// @throws ImageException also when the device has not that much space left
  void writeMetadata(ImageContent content) throws ImageException;

  /// As above, of an image about which no more is known.
  default void writeMetadata(Bytes metadata, long pageSectionBytes) throws ImageException {
    writeMetadata(new ImageContent(metadata, pageSectionBytes, List.of(), ImageFacts.NONE));
  }

  /// Where the announced bytes of pages go, after the metadata.
  PageSink pages();

  /// Completes the image, brings it to the device, has it examined as a reader sees it, and only then gives it its
  /// name. When this returns, the image survives a power cut. When it throws before it has its name, there is no image,
  /// or still the old one.
  ///
  /// @return by how many bytes the device is fuller
  <X extends Exception> long commit(Check<X> check) throws X, ImageException;

  /// Whether [#certify] may be called.
  default boolean takesCertificate() {
    return false;
  }

  /// Adds a certificate, which comes into being with the image: from within the check of [#commit].
  default void certify(Bytes certificate) {
    throw new UnsupportedOperationException("no certificate goes along");
  }

  /// By which [#earlier] finds it; empty before it is committed, and where contents are not shared.
  default Optional<ImageIdentity> identity() {
    return Optional.empty();
  }

  /// What to call the image from outside, once it is committed.
  String title();

  @Override
  void close() throws ImageException;
}
