package stasis.engine;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import stasis.image.ObjectId;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Tid;

/// Which file stands at which number of which task, for the whole tree.
final class Seating {
  private final Map<Tid, Map<Fd, ObjectId>> byTask = new HashMap<>();
  private final Map<Fd, List<SharedFiles.Seat>> byNumber = new HashMap<>();
  private final Map<SharedFiles.Seat, ObjectId> files;

  Seating(Map<SharedFiles.Seat, ObjectId> files) {
    this.files = files;
    files.forEach((seat, file) -> {
      byTask.computeIfAbsent(seat.task(), _ -> new HashMap<>()).put(seat.fd(), file);
      byNumber.computeIfAbsent(seat.fd(), _ -> new ArrayList<>()).add(seat);
    });
  }

  Optional<ObjectId> at(Tid task, Fd fd) {
    return Optional.ofNullable(byTask.getOrDefault(task, Map.of()).get(fd));
  }

  ObjectId file(SharedFiles.Seat seat) {
    return GroupPlan.require(files, seat);
  }

  /// Every seat, those with this number first: most files stand where they were, and in the same task.
  List<SharedFiles.Seat> likeliest(Tid task, Fd number) {
    var seats = new ArrayList<>(byNumber.getOrDefault(number, List.of()));
    seats.sort(Comparator.comparing(seat -> !seat.task().equals(task)));
    files.keySet().stream().filter(seat -> !seat.fd().equals(number)).forEach(seats::add);
    return seats;
  }
}
