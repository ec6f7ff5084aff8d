package stasis.kinds.group.itimers;

import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.FrozenGroup;
import stasis.resource.GroupAspect;
import stasis.resource.ObstructedException;
import stasis.resource.Provable;
import stasis.resource.Question;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;

/// The three interval timers of a thread group (setitimer(2)), by the time they have left. Armed after pending signals:
/// from then on they may raise one.
public final class IntervalTimers implements GroupAspect<IntervalTimers.State> {
  /// Those of CPU time are counted in ticks, of 10 ms at the most.
  private static final long TICK_US = 10_000;
  private static final long PROOF_LATER_US = 3_600_000_000L;
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "group.itimers", 1);
  private static final int ITIMER_REAL = 0;
  private static final int ITIMERS = 3;
  private static final int ITIMERVAL_BYTES = 32;
  private static final long MICROSECONDS = 1_000_000;

  record State(@Tag(1) List<Timer> timers) {
    State {
      timers = List.copyOf(timers);
    }
  }

  /// @param which ITIMER_REAL 0, VIRTUAL 1, PROF 2 @param intervalUs 0 for a single shot
  /// @param leftUs 0 when it is disarmed, or has fired and its SIGALRM is still to be taken
  record Timer(@Tag(1) int which, @Tag(2) long intervalUs, @Tag(3) long leftUs) {
    Timer left(long us) {
      return new Timer(which, intervalUs, us);
    }
  }

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public List<Question> questions(FrozenGroup group) {
    return List.of(question(0), question(1), question(2));
  }

  private static Question question(int which) {
    return Question.of(Nr.GETITIMER, Arg.imm(which), Arg.space(ITIMERVAL_BYTES));
  }

  @Override
  public Optional<State> checkpoint(FrozenGroup group, Answers answers) throws ObstructedException {
    var timers = new ArrayList<Timer>();
    for (int which = 0; which < ITIMERS; which++) {
      Bytes value = answers.require(question(which), group.subject()).output(1);
      Timer timer = new Timer(which, value.u64(0) * MICROSECONDS + value.u64(8),
          value.u64(16) * MICROSECONDS + value.u64(24));
      if (timer.intervalUs() != 0 || timer.leftUs() != 0) {
        timers.add(timer);
      }
    }
    return timers.isEmpty() ? Optional.empty() : Optional.of(new State(timers));
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    for (Timer timer : state.timers()) {
      // A periodic ITIMER_REAL stands still while its SIGALRM is pending, and goes on when that is taken
      // (kernel/signal.c, dequeue_signal()). Setting it with nothing left would forget the interval; with a microsecond
      // left it fires into the SIGALRM that is pending already, and stands still as before.
      boolean fired = timer.which() == ITIMER_REAL && timer.leftUs() == 0;
      long leftUs = fired ? 1 : timer.leftUs();
      Bytes value = Bytes.ofU64(timer.intervalUs() / MICROSECONDS, timer.intervalUs() % MICROSECONDS,
          leftUs / MICROSECONDS, leftUs % MICROSECONDS);
      script.call(Nr.SETITIMER, "interval timer", Arg.imm(timer.which()), Arg.data(value), Arg.imm(0));
    }
  }

  /// Not SIGNALS: each thread's own pending signals are queued there, after those of the group.
  @Override
  public Stage stage() {
    return Stage.CREDENTIALS;
  }
  @Override
  public Provable<State> provable(State state) {
    return state.timers().stream().allMatch(timer -> timer.leftUs() == 0) ? new Provable.Whole<>()
        : new Provable.Part<>(new State(state.timers().stream().map(timer -> timer.leftUs() == 0 ? timer
            : timer.left(timer.leftUs() + PROOF_LATER_US)).toList()),
            "when they are due: the copy's are later by an hour, so as not to come meanwhile");
  }

  @Override
  public State agreed(State state, State copy) {
    var timers = new ArrayList<Timer>();
    for (int i = 0; i < copy.timers().size(); i++) {
      Timer timer = copy.timers().get(i);
      long stored = i < state.timers().size() ? state.timers().get(i).leftUs() : 0;
      timers.add(timer.leftUs() > 0 && timer.leftUs() <= stored + TICK_US ? timer.left(stored) : timer);
    }
    return new State(timers);
  }
}
