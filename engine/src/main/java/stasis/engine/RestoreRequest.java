package stasis.engine;

import java.nio.file.Path;
import java.util.Optional;
import stasis.repository.ImageOrigin;
import stasis.repository.ImageReader;

/// What a restore is asked to do.
///
/// @param origin where the statefile is @param dryRun plan only @param acceptance which images are wanted
/// @param lazily whether the tree is to run before it has all its pages
/// @param place among which pids
/// @param files what becomes of files that the image has copies of and the host has not, or has others
/// @param stead in whose stead, where it is not the engine itself that the program is restored for
public record RestoreRequest(ImageOrigin origin, boolean dryRun, Acceptance acceptance, Optional<Lazily> lazily,
    Place place, FilePolicy files, Optional<Stead> stead) {
  /// @param order file that says what was touched first after earlier restores; it is brought up to date
  public record Lazily(Optional<Path> order) {}

  /// For the engine itself.
  public RestoreRequest(ImageOrigin origin, boolean dryRun, Acceptance acceptance, Optional<Lazily> lazily,
      Place place, FilePolicy files) {
    this(origin, dryRun, acceptance, lazily, place, files, Optional.empty());
  }

  /// Among the host's own pids; files that are not what they were are refused.
  public RestoreRequest(ImageOrigin origin, boolean dryRun, Acceptance acceptance, Optional<Lazily> lazily) {
    this(origin, dryRun, acceptance, lazily, Place.ANY, FilePolicy.REFUSE, Optional.empty());
  }

  /// The tree runs when it is whole.
  public RestoreRequest(ImageOrigin origin, boolean dryRun, Acceptance acceptance) {
    this(origin, dryRun, acceptance, Optional.empty());
  }

  /// Whatever it is.
  public RestoreRequest(ImageOrigin origin, boolean dryRun) {
    this(origin, dryRun, Acceptance.ALL);
  }

  /// From a folder, or a statefile.
  public RestoreRequest(Path image, boolean dryRun) {
    this(() -> ImageReader.open(image), dryRun);
  }
}
