package stasis.engine;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import stasis.linux.abi.Tid;
import stasis.repository.ImageDestination;
import stasis.repository.ImageStore;

/// What a checkpoint is asked to do.
///
/// @param root leader of the thread group @param destination where the statefile goes
/// @param leaveRunning let the program go on instead of ending it
/// @param strict refuse what could only be carried approximately
/// @param maxFreeze give up, with the program untouched, when it would have to stand still longer
/// @param track only into a repository
/// @param preCopyRounds how often memory is copied at most while the program runs, before the freeze in which the rest
///     is read; 0: it is not. Only into a repository. With `leaveRunning` no copy of the memory is held then
/// @param embed whether files of the host go along @param deadline by when the image has to be there; goes with
///     `preCopyRounds` @param proof present: restore it for real beside the program before it counts
public record CheckpointRequest(Tid root, ImageDestination destination, boolean leaveRunning, boolean strict,
    Optional<Duration> maxFreeze, TrackOrder track, int preCopyRounds, EmbedOrder embed,
    Optional<DeadlineOrder> deadline, Optional<Proof.Command> proof) {
  /// Without a proof.
  public CheckpointRequest(Tid root, ImageDestination destination, boolean leaveRunning, boolean strict,
      Optional<Duration> maxFreeze, TrackOrder track, int preCopyRounds, EmbedOrder embed,
      Optional<DeadlineOrder> deadline) {
    this(root, destination, leaveRunning, strict, maxFreeze, track, preCopyRounds, embed, deadline, Optional.empty());
  }

  /// With no files but those of the tree.
  public CheckpointRequest(Tid root, ImageDestination destination, boolean leaveRunning, boolean strict,
      Optional<Duration> maxFreeze, TrackOrder track, int preCopyRounds) {
    this(root, destination, leaveRunning, strict, maxFreeze, track, preCopyRounds, EmbedOrder.NONE, Optional.empty());
  }

  /// Without tracking.
  public CheckpointRequest(Tid root, ImageDestination destination, boolean leaveRunning, boolean strict,
      Optional<Duration> maxFreeze) {
    this(root, destination, leaveRunning, strict, maxFreeze, TrackOrder.OFF, 0, EmbedOrder.NONE, Optional.empty());
  }

  /// The same, and proved.
  public CheckpointRequest proved(Proof.Command command) {
    return new CheckpointRequest(root, destination, leaveRunning, strict, maxFreeze, track, preCopyRounds, embed,
        deadline, Optional.of(command));
  }

  /// Whether the kernel is to note writes to memory.
  boolean notesWrites() {
    return track != TrackOrder.OFF || preCopyRounds > 0 || deadline.isPresent();
  }

  /// Into a folder. @param force replace an image that is there
  public CheckpointRequest(Tid root, Path image, boolean leaveRunning, boolean strict, boolean force,
      Optional<Duration> maxFreeze) {
    this(root, ImageStore.destination(image, force), leaveRunning, strict, maxFreeze);
  }
}
