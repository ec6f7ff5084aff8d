package stasis.engine;

import java.nio.file.Path;
import stasis.repository.ImageOrigin;
import stasis.repository.ImageReader;

/// What a restore is asked to do.
///
/// @param origin where the statefile is @param dryRun plan only @param acceptance which images are wanted
public record RestoreRequest(ImageOrigin origin, boolean dryRun, Acceptance acceptance) {
  /// Whatever it is.
  public RestoreRequest(ImageOrigin origin, boolean dryRun) {
    this(origin, dryRun, Acceptance.ALL);
  }

  /// From a folder, or a statefile.
  public RestoreRequest(Path image, boolean dryRun) {
    this(() -> ImageReader.open(image), dryRun);
  }
}
