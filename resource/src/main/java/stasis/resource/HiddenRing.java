package stasis.resource;

import java.util.List;
import java.util.Optional;
import stasis.image.ObjectId;
import stasis.linux.abi.Tid;

/// What only the kernel's own memory shows of an io_uring.
///
/// @param flags IORING_SETUP_ bits @param parts what it has that no call tells, and requests on their way, by name
/// @param counters where those lie in the mapped rings @param issuer the thread that alone may use it, as the engine
///     sees it
/// @param files registered with it @param event what completions are told to
public record HiddenRing(int flags, List<String> parts, Counters counters, Optional<Tid> issuer, List<Slot> files,
    Optional<Event> event) {
  public HiddenRing {
    parts = List.copyOf(parts);
    files = List.copyOf(files);
  }

  /// @param sqTail where in the mapped rings that counter lies, and so on
  public record Counters(int sqHead, int sqTail, int cqHead, int cqTail) {}

  /// @param file empty: no descriptor of the tree leads to it
  public record Slot(int index, Optional<ObjectId> file) {}

  /// @param file of the eventfd, as above @param async told only of what completes later
  public record Event(Optional<ObjectId> file, boolean async) {}
}
