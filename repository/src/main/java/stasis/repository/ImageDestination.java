package stasis.repository;

import java.util.function.Consumer;

/// Where an image is to go: a folder of its own, a repository or a stream.
@FunctionalInterface
public interface ImageDestination {
  /// @param listener hears each [WriteStep]; what it throws ends the writing like a fault at that step
  ImageWriter begin(Consumer<WriteStep> listener) throws ImageException;

  /// Whether another image may be begun after one that was given up.
  default boolean takesAnother() {
    return true;
  }
}
