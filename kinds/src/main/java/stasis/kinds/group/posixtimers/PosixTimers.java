package stasis.kinds.group.posixtimers;

import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.procfs.Timers;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.FrozenGroup;
import stasis.resource.GroupAspect;
import stasis.resource.Loss;
import stasis.resource.ObstructedException;
import stasis.resource.Provable;
import stasis.resource.Question;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;

/// Timers made by timer_create(2), with their ids and the time they have left. They are made in the leader: a timer
/// belongs to the group. Which id a later timer_create(2) would have tried first no call shows.
public final class PosixTimers implements GroupAspect<PosixTimers.State> {
  private static final long PROOF_LATER_NS = 3_600_000_000_000L;
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "group.posixtimers", 1);
  private static final long PR_TIMER_CREATE_RESTORE_IDS = 77;
  private static final long RESTORE_IDS_OFF = 0;
  private static final long RESTORE_IDS_ON = 1;
  private static final Question RESTORING = Question.of(Nr.PRCTL, Arg.imm(PR_TIMER_CREATE_RESTORE_IDS), Arg.imm(2));
  private static final int ITIMERSPEC_BYTES = 32;
  private static final int SIGEVENT_BYTES = 64;
  private static final long NANOSECONDS = 1_000_000_000;
  /// The clock of "the thread that asks", as the kernel encodes it (include/linux/posix-timers.h).
  private static final int OWN_THREAD_CPU_CLOCK = -2;
  private static final int CLOCK_REALTIME = 0;
  private static final int CLOCK_REALTIME_ALARM = 8;
  private static final int CLOCK_TAI = 11;

  /// @param restoringIds whether the program itself has PR_TIMER_CREATE_RESTORE_IDS on
  record State(@Tag(1) List<Timer> timers, @Tag(2) boolean restoringIds) {
    State {
      timers = List.copyOf(timers);
    }
  }

  /// @param clock CLOCK_*, or negative: a CPU clock, of a pid as the program sees it
  /// @param notification SIGEV_SIGNAL 0, SIGEV_NONE 1, SIGEV_THREAD 2, with SIGEV_THREAD_ID 4 where `thread` is given
  /// @param value sigev_value @param thread the one told
  /// @param leftNs 0 when it is disarmed, or a single shot that has fired
  record Timer(@Tag(1) int id, @Tag(2) int clock, @Tag(3) int notification, @Tag(4) int signal, @Tag(5) long value,
      @Tag(6) Optional<ObjectId> thread, @Tag(7) long intervalNs, @Tag(8) long leftNs) {
    Timer left(long ns) {
      return new Timer(id, clock, notification, signal, value, thread, intervalNs, ns);
    }

    private boolean settable() {
      return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_ALARM || clock == CLOCK_TAI;
    }
  }

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public List<Loss> losses(State state) {
    var losses = new ArrayList<Loss>();
    for (Timer timer : state.timers()) {
      if (timer.settable() && timer.leftNs() != 0) {
        losses.add(Loss.of("timer " + timer.id() + " keeps its time left; one set to a time of day (TIMER_ABSTIME) "
            + "fires later by as long as the program was away"));
      }
      if (timer.intervalNs() != 0) {
        losses.add(Loss.of("timer " + timer.id() + " loses the overrun count of an expiry not yet taken"));
      }
    }
    return losses;
  }

  @Override
  public List<Question> questions(FrozenGroup group) {
    var questions = new ArrayList<Question>();
    try {
      for (Timers.Timer timer : timers(group)) {
        questions.add(timeLeft(timer.id()));
      }
    } catch (ObstructedException e) {
      // What cannot be read now cannot be read in `checkpoint` either, which says so.
      return List.of();
    }
    if (!questions.isEmpty()) {
      questions.add(RESTORING);
    }
    return questions;
  }

  private static Question timeLeft(int id) {
    return Question.of(Nr.TIMER_GETTIME, Arg.imm(id), Arg.space(ITIMERSPEC_BYTES));
  }

  private static List<Timers.Timer> timers(FrozenGroup group) throws ObstructedException {
    Optional<String> text = group.proc("timers");
    if (text.isEmpty()) {
      throw new ObstructedException(group.subject(), "this kernel shows no timers (CONFIG_CHECKPOINT_RESTORE)", "");
    }
    return Timers.parse(text.get()).list().stream().sorted(Comparator.comparingInt(Timers.Timer::id)).toList();
  }

  @Override
  public Optional<State> checkpoint(FrozenGroup group, Answers answers) throws ObstructedException {
    var timers = new ArrayList<Timer>();
    for (Timers.Timer timer : timers(group)) {
      String subject = group.subject() + " timer " + timer.id();
      if (timer.clock() == OWN_THREAD_CPU_CLOCK && group.tasks().size() > 1) {
        throw new ObstructedException(subject, "it runs on the CPU time of one thread, no call tells of which",
            "make it with pthread_getcpuclockid(3) instead of CLOCK_THREAD_CPUTIME_ID");
      }
      Optional<ObjectId> thread = Optional.empty();
      if (timer.threadDirected()) {
        thread = group.taskInTree(timer.target());
        if (thread.isEmpty()) {
          throw new ObstructedException(subject, "the thread it signals has ended",
              "let the program delete that timer");
        }
      }
      Bytes left = answers.require(timeLeft(timer.id()), subject).output(1);
      timers.add(new Timer(timer.id(), timer.clock(), notification(timer, subject), timer.signal(), timer.value(),
          thread, left.u64(0) * NANOSECONDS + left.u64(8), left.u64(16) * NANOSECONDS + left.u64(24)));
    }
    if (timers.isEmpty()) {
      return Optional.empty();
    }
    long restoring = answers.to(RESTORING).result();
    if (restoring == -Errno.EINVAL.number()) {
      throw new ObstructedException(group.subject(), "it has POSIX timers, and this kernel cannot give them their ids"
          + " again", "let the program delete them, or use Linux 6.15 (PR_TIMER_CREATE_RESTORE_IDS)");
    }
    return Optional.of(new State(timers, restoring == RESTORE_IDS_ON));
  }

  private static int notification(Timers.Timer timer, String subject) throws ObstructedException {
    int how = switch (timer.notification()) {
      case "signal" -> 0;
      case "none" -> 1;
      case "thread" -> 2;
      default -> throw new ObstructedException(subject, "it notifies by " + timer.notification(), "");
    };
    return timer.threadDirected() ? how | 4 : how;
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    script.call(Nr.PRCTL, "timers get the ids asked for", Arg.imm(PR_TIMER_CREATE_RESTORE_IDS),
        Arg.imm(RESTORE_IDS_ON));
    for (Timer timer : state.timers()) {
      int tid = timer.thread().map(refs::pidOf).orElse(0);
      Bytes event = Bytes.ofU64(timer.value()).concat(Bytes.ofU32(timer.signal(), timer.notification(), tid))
          .concat(Bytes.zeros(SIGEVENT_BYTES - 20));
      script.call(Nr.TIMER_CREATE, "timer " + timer.id(), Arg.imm(timer.clock()), Arg.data(event),
          Arg.data(Bytes.ofU32(timer.id())));
    }
    script.call(Nr.PRCTL, "timers get ids as before", Arg.imm(PR_TIMER_CREATE_RESTORE_IDS),
        Arg.imm(state.restoringIds() ? RESTORE_IDS_ON : RESTORE_IDS_OFF));
    for (Timer timer : state.timers()) {
      if (timer.leftNs() != 0) {
        Bytes value = Bytes.ofU64(timer.intervalNs() / NANOSECONDS, timer.intervalNs() % NANOSECONDS,
            timer.leftNs() / NANOSECONDS, timer.leftNs() % NANOSECONDS);
        script.call(Nr.TIMER_SETTIME, "arm timer " + timer.id(), Arg.imm(timer.id()), Arg.imm(0), Arg.data(value),
            Arg.imm(0));
      }
    }
  }

  /// Not SIGNALS: each thread's own pending signals are queued there, and a timer may add to them.
  @Override
  public Stage stage() {
    return Stage.CREDENTIALS;
  }
  @Override
  public Provable<State> provable(State state) {
    return state.timers().stream().allMatch(timer -> timer.leftNs() == 0) ? new Provable.Whole<>()
        : new Provable.Part<>(new State(state.timers().stream().map(timer -> timer.leftNs() == 0 ? timer
            : timer.left(timer.leftNs() + PROOF_LATER_NS)).toList(), state.restoringIds()),
            "when they are due: the copy's are later by an hour, so as not to come meanwhile");
  }

  @Override
  public State agreed(State state, State copy) {
    var timers = new ArrayList<Timer>();
    for (int i = 0; i < copy.timers().size(); i++) {
      Timer timer = copy.timers().get(i);
      long stored = i < state.timers().size() ? state.timers().get(i).leftNs() : 0;
      timers.add(timer.leftNs() > 0 && timer.leftNs() <= stored ? timer.left(stored) : timer);
    }
    return new State(timers, copy.restoringIds());
  }
}
