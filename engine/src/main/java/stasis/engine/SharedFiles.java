package stasis.engine;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;
import stasis.procfs.FdInfo;
import stasis.procfs.FdLink;

/// Finds which fds are one open file description. Only fds that already look alike are compared, and sorted by
/// kcmp(2)'s total order, so the number of calls stays near n log n of the largest look-alike group.
final class SharedFiles {
  private static final int KCMP_FILE = 0;

  /// One fd of one table.
  record Seat(Tid task, Fd fd, FdLink link, FdInfo info) {}

  /// kcmp(2) KCMP_FILE of two seats: 0 equal, 1 less, 2 greater, 3 unequal without order.
  interface Kcmp {
    long answer(Seat a, Seat b);
  }

  private record Look(String target, long device, long inode, long pos, int flags) {}

  private SharedFiles() {}

  /// @param seats in task and fd order @return the seats of each description, in order of their first seat
  static List<List<Seat>> group(List<Seat> seats) {
    return group(seats, SharedFiles::kcmp);
  }

  static List<List<Seat>> group(List<Seat> seats, Kcmp kcmp) {
    Map<Look, List<Seat>> alike = new HashMap<>();
    for (Seat seat : seats) {
      alike.computeIfAbsent(look(seat), _ -> new ArrayList<>()).add(seat);
    }
    Map<Seat, List<Seat>> byFirst = new HashMap<>();
    for (List<Seat> group : alike.values()) {
      split(group, byFirst, order(kcmp));
    }
    return seats.stream().filter(byFirst::containsKey).map(byFirst::get).toList();
  }

  private static void split(List<Seat> group, Map<Seat, List<Seat>> byFirst, Comparator<Seat> order) {
    if (group.size() == 1) {
      byFirst.put(group.getFirst(), group);
      return;
    }
    // A stable sort: equal seats stay in task and fd order, so the first of each run is the first seat.
    List<Seat> sorted = new ArrayList<>(group);
    sorted.sort(order);
    List<Seat> run = new ArrayList<>();
    for (Seat seat : sorted) {
      if (!run.isEmpty() && order.compare(run.getLast(), seat) != 0) {
        byFirst.put(run.getFirst(), run);
        run = new ArrayList<>();
      }
      run.add(seat);
    }
    byFirst.put(run.getFirst(), run);
  }

  private static Look look(Seat seat) {
    return new Look(seat.link().target().latin1(), seat.link().stat().device().stat(), seat.link().stat().inode(),
        seat.info().pos(), seat.info().flags() & ~FdInfo.O_CLOEXEC);
  }

  static long kcmp(Seat a, Seat b) {
    return Syscalls.call(Nr.KCMP, a.task().value(), b.task().value(), KCMP_FILE, a.fd().value(), b.fd().value());
  }

  private static Comparator<Seat> order(Kcmp kcmp) {
    return (a, b) -> {
      long order = kcmp.answer(a, b);
      return switch ((int) order) {
        case 0 -> 0;
        case 1 -> -1;
        case 2 -> 1;
        default -> throw new KcmpFailedException(a + " and " + b,
            Errno.isError(order) ? Errno.of(order).toString() : Long.toString(order));
      };
    };
  }
}
