package stasis.repository;

/// Where an image is read from: a folder of its own, or a repository.
@FunctionalInterface
public interface ImageOrigin {
  /// @throws ImageException in one sentence: no image, damaged, or newer than this reader
  ImageReader open() throws ImageException;
}
