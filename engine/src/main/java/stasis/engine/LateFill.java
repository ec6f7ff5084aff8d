package stasis.engine;

import java.nio.file.Path;
import java.util.Optional;
import stasis.repository.ImageException;
import stasis.repository.ImageReader;

/// The pages that a lazily restored tree still lacks, and the threads of this process that put them in. Should the
/// process end before they have, the tree is killed.
public final class LateFill {
  private final PageServer server;
  private final ImageReader image;
  private final Optional<Path> order;

  /// @param image closed in the end
  LateFill(PageServer server, ImageReader image, Optional<Path> order) {
    this.server = server;
    this.image = image;
    this.order = order;
  }

  public LateFigures figures() {
    return server.figures();
  }

  /// Waits until every page is in, or nobody is left who could want one, and notes in which order they were wanted. To be
  /// called once.
  ///
  /// @return why the tree was killed, if it was: a page that rotted
  public Optional<String> await() {
    Optional<String> failure = server.ended().join();
    TouchOrder touched = server.order();
    if (failure.isEmpty() && !touched.touches().isEmpty()) {
      order.ifPresent(touched::write);
    }
    try {
      image.close();
    } catch (ImageException e) {
      // All that was wanted of it has been read.
    }
    return failure;
  }
}
