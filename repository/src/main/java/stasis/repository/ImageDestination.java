package stasis.repository;

import java.util.function.Consumer;

/// Where an image is to go: a folder of its own, or a repository.
@FunctionalInterface
public interface ImageDestination {
  /// @param listener hears each [WriteStep]; what it throws ends the writing like a fault at that step
  ImageWriter begin(Consumer<WriteStep> listener) throws ImageException;
}
