package stasis.kinds.group.accounting;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.procfs.Stat;
import stasis.resource.Answers;
import stasis.resource.FrozenGroup;
import stasis.resource.GroupAspect;
import stasis.resource.Loss;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;

/// What the kernel has counted for the group so far, and since when. Linux lets nobody set it: it begins anew.
public final class Accounting implements GroupAspect<Accounting.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "group.accounting", 1);

  /// @param startTicks after boot, clock ticks, as are the CPU times
  record State(@Tag(1) long startTicks, @Tag(2) long userTicks, @Tag(3) long systemTicks,
      @Tag(4) long childrenUserTicks, @Tag(5) long childrenSystemTicks, @Tag(6) long minorFaults,
      @Tag(7) long majorFaults) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public List<Loss> losses(State state) {
    return List.of(Loss.of("start time, CPU time (ps, times(2), CLOCK_PROCESS_CPUTIME_ID, RLIMIT_CPU) and page fault "
        + "counts begin anew: used so far " + (state.userTicks() + state.systemTicks()) + " clock ticks"));
  }

  @Override
  public Optional<State> checkpoint(FrozenGroup group, Answers answers) {
    Stat stat = group.leader().stat();
    return Optional.of(new State(stat.startTime(), stat.utime(), stat.stime(), stat.cutime(), stat.cstime(),
        stat.minflt(), stat.majflt()));
  }

  @Override
  public void restore(State state, Script script, Refs refs) {}

  @Override
  public Stage stage() {
    return Stage.BIRTH;
  }
  /// Counted from birth, and told as a loss.
  @Override
  public State agreed(State state, State copy) {
    return state;
  }
}
