package stasis.engine;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;

/// What of a process another may share: by clone(2) only, and for good but where unshare(2) parts it.
enum Part {
  MM(1, 0x100, false, "memory"),
  FILES(2, 0x400, true, "table of open files"),
  FS(3, 0x200, true, "working directory, root and umask"),
  HANDLERS(4, 0x800, false, "signal handlers");

  private final int kcmpType;
  private final long cloneFlag;
  private final boolean parts;
  private final String what;

  Part(int kcmpType, long cloneFlag, boolean parts, String what) {
    this.kcmpType = kcmpType;
    this.cloneFlag = cloneFlag;
    this.parts = parts;
    this.what = what;
  }

  /// Of clone(2) and unshare(2).
  long cloneFlag() {
    return cloneFlag;
  }

  /// Whether unshare(2) gives a process its own again.
  boolean canPart() {
    return parts;
  }

  String what() {
    return what;
  }

  /// For each task the first that has the same as it: itself, if no earlier one does.
  Map<Tid, Tid> firsts(List<Tid> tasks) {
    var first = new HashMap<Tid, Tid>();
    List<Tid> sorted = sorted(tasks);
    for (int i = 0; i < sorted.size(); i++) {
      boolean same = i > 0 && order(sorted.get(i - 1), sorted.get(i)) == 0;
      // A stable sort: of those that share, the first comes first.
      first.put(sorted.get(i), same ? GroupPlan.require(first, sorted.get(i - 1)) : sorted.get(i));
    }
    return first;
  }

  /// Calls with each task of `others` that shares with a task of the tree, and that.
  ///
  /// @param tree stopped @param others may end meanwhile, or not be ours to look at: they share nothing then
  void shared(List<Tid> tree, List<Tid> others, BiConsumer<Tid, Tid> with) {
    List<Tid> sorted = sorted(tree);
    for (Tid other : others) {
      find(sorted, other).ifPresent(task -> with.accept(other, task));
    }
  }

  private Optional<Tid> find(List<Tid> sorted, Tid other) {
    int low = 0;
    int high = sorted.size() - 1;
    while (low <= high) {
      int middle = low + high >>> 1;
      switch ((int) kcmp(other, sorted.get(middle))) {
        case 0 -> {
          return Optional.of(sorted.get(middle));
        }
        case 1 -> high = middle - 1;
        case 2 -> low = middle + 1;
        default -> {
          return Optional.empty();
        }
      }
    }
    return Optional.empty();
  }

  private List<Tid> sorted(List<Tid> tasks) {
    var sorted = new ArrayList<>(tasks);
    sorted.sort(this::order);
    return sorted;
  }

  private int order(Tid a, Tid b) {
    long order = kcmp(a, b);
    return switch ((int) order) {
      case 0 -> 0;
      case 1 -> -1;
      case 2 -> 1;
      default -> throw new KcmpFailedException("the " + what + " of tasks " + a + " and " + b,
          Errno.isError(order) ? Errno.of(order).toString() : Long.toString(order));
    };
  }

  /// kcmp(2): 0 equal, 1 less, 2 greater, 3 unequal without order.
  private long kcmp(Tid a, Tid b) {
    return Syscalls.call(Nr.KCMP, a.value(), b.value(), kcmpType, 0, 0);
  }
}
