package stasis.engine;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import stasis.image.ObjectId;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.resource.Arg;
import stasis.resource.Step;

/// Which calls of a program may be made by several threads of one process at the same time: each thread's own in their
/// order, and none that needs what another's has answered. What a thread is given it gives itself, so it does not matter
/// which of them comes first; a leader's calls are for the process, and are made alone.
final class Together {
  /// Threads at once: enough that none is waited for, few enough that each has room in the region.
  static final int THREADS = 16;
  private static final int DATA_BYTES = 64 << 10;

  private final List<Step> steps;
  private final int from;
  private final Map<ObjectId, ObjectId> leaders;
  private final Set<ObjectId> threads = new HashSet<>();

  /// @param from the first of them @param leaders of threads that are no leaders
  Together(List<Step> steps, int from, Map<ObjectId, ObjectId> leaders) {
    this.steps = steps;
    this.from = from;
    this.leaders = leaders;
  }

  /// Takes the calls of one more thread. @return the step behind the last of them; `at` where none goes with the others
  int take(int at) {
    if (at == steps.size() || threads.size() == THREADS) {
      return at;
    }
    ObjectId thread = steps.get(at).in();
    ObjectId leader = leaders.get(thread);
    if (leader == null || !leader.equals(leaders.get(steps.get(from).in())) || !threads.add(thread)) {
      return at;
    }
    int end = at;
    while (end < steps.size() && steps.get(end).in().equals(thread) && steps.get(end) instanceof Step.Call call
        && call.nr() != Nr.SECCOMP && call.args().stream().allMatch(arg -> goes(arg, at))) {
      end++;
    }
    return end;
  }

  private boolean goes(Arg arg, int at) {
    return switch (arg) {
      case Arg.Imm _ -> true;
      case Arg.Data(Bytes value) -> value.length() <= DATA_BYTES;
      case Arg.Space(int lengthBytes) -> lengthBytes <= DATA_BYTES;
      case Arg.Result(var of) -> of.step() < from || of.step() >= at;
      case Arg.Output(var of, int _, int _, int _) -> of.step() < from || of.step() >= at;
      case Arg.Struct _, Arg.Self _ -> false;
    };
  }
}
