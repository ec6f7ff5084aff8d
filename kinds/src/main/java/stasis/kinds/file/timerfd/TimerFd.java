package stasis.kinds.file.timerfd;

import java.lang.invoke.MethodHandles;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.OpenFlags;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.procfs.FdInfo;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.FileKind;
import stasis.resource.Loss;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Provable;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// A timerfd_create(2): its clock, what is left of its time, its period and what was not yet read. Time left stands
/// still from checkpoint to restore; one set to a time of day keeps that.
public final class TimerFd implements FileKind<TimerFd.State> {
  /// @param clock CLOCK_ number @param ticks expirations not yet read @param settimeFlags as given to
  ///     timerfd_settime(2)
  /// @param remainingNs 0 while disarmed, or due and unread @param atNs time of day it is set to, ns since the epoch
  record State(@Tag(1) int clock, @Tag(2) long ticks, @Tag(3) int settimeFlags, @Tag(4) long remainingNs,
      @Tag(5) long intervalNs, @Tag(6) Optional<Long> atNs, @Tag(7) int flags) {
    State {
      if (remainingNs < 0 || intervalNs < 0) {
        throw new IllegalArgumentException("times are >= 0, were " + remainingNs + " and " + intervalNs);
      }
    }

    boolean isDueAgain() {
      return remainingNs == 0 && intervalNs > 0 && ticks != 0;
    }
  }

  private static final long PROOF_LATER_NS = 3_600_000_000_000L;
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "file.timerfd", 1);
  private static final int TFD_TIMER_ABSTIME = 1;
  private static final int TFD_TIMER_CANCEL_ON_SET = 2;
  /// _IOW('T', 0, __u64), only with CONFIG_CHECKPOINT_RESTORE.
  private static final int TFD_IOC_SET_TICKS = 0x40085400;
  private static final long SOON_NS = 1_000_000;
  private static final int CLOCK_REALTIME = 0;
  private static final int CLOCK_REALTIME_ALARM = 8;
  private static final long NANOS = 1_000_000_000L;
  private static final int TIMESPEC_BYTES = 16;

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(OpenFile file) {
    return file.link().equals("anon_inode:[timerfd]");
  }

  /// Fields of fdinfo: fs/timerfd.c, timerfd_show(). One that is due and one that is disarmed both have no time left; and
  /// the kernel reads the expirations a little later than the time.
  @Override
  public State checkpoint(OpenFile file) throws ObstructedException {
    FdInfo first = file.info();
    long left = ns(first.time("it_value"));
    boolean passing = left == 0 ? first.decimal("ticks") == 0 : left < SOON_NS;
    return state(file, passing ? file.later() : first);
  }

  private static State state(OpenFile file, FdInfo info) throws ObstructedException {
    int clock = (int) info.decimal("clockid");
    int settime = info.octal("settime flags");
    long remaining = ns(info.time("it_value"));
    boolean timeOfDay = (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_ALARM)
        && (settime & TFD_TIMER_ABSTIME) != 0 && remaining > 0;
    return new State(clock, info.decimal("ticks"), settime, remaining, ns(info.time("it_interval")),
        timeOfDay ? Optional.of(timeOfDayNs(file) + remaining) : Optional.empty(), OpenFlags.of(file));
  }

  private static long timeOfDayNs(OpenFile file) throws ObstructedException {
    Answer now = file.ask(Nr.CLOCK_GETTIME, Arg.imm(CLOCK_REALTIME), Arg.space(TIMESPEC_BYTES));
    if (now.failed()) {
      throw new ObstructedException(file.subject(), "the time of day cannot be read", "run with CAP_SYS_PTRACE");
    }
    return now.output(1).u64(0) * NANOS + now.output(1).u64(8);
  }

  private static long ns(Duration time) {
    return time.isNegative() ? 0 : time.toNanos();
  }

  @Override
  public List<Loss> losses(State state) {
    var losses = new ArrayList<Loss>();
    if (state.isDueAgain()) {
      losses.add(Loss.of("it was due and unread: its period begins anew at the restore"));
    }
    if (state.atNs().isPresent()) {
      losses.add(Loss.of("the time of day it is set to was worked out from the time left, a few ms late at most"));
    }
    return losses;
  }

  @Override
  public Ref<Fd> restore(State state, Script script, Refs refs) {
    Ref<Fd> fd = script.call(Nr.TIMERFD_CREATE, "timerfd", Arg.imm(state.clock()),
        Arg.imm(state.flags() & OpenFlags.O_NONBLOCK));
    OpenFlags.complete(state.flags(), fd, script);
    long due = state.isDueAgain() ? 1 : state.atNs().orElse(state.remainingNs());
    if (due != 0) {
      int flags = state.atNs().isPresent()
          ? state.settimeFlags() & (TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET) : 0;
      Bytes times = Bytes.ofU64(state.intervalNs() / NANOS, state.intervalNs() % NANOS, due / NANOS, due % NANOS);
      script.call(Nr.TIMERFD_SETTIME, "its time", Arg.result(fd), Arg.imm(flags), Arg.data(times), Arg.imm(0));
    }
    if (state.ticks() != 0) {
      script.call(Nr.IOCTL, "its unread expirations", Arg.result(fd), Arg.imm(TFD_IOC_SET_TICKS),
          Arg.data(Bytes.ofU64(state.ticks())));
    }
    return fd;
  }
  @Override
  public Provable<State> provable(State state) {
    return state.remainingNs() == 0 || state.atNs().isPresent() ? new Provable.Whole<>()
        : new Provable.Part<>(left(state, state.remainingNs() + PROOF_LATER_NS),
            "when it is due: the copy's is later by an hour, so as not to come meanwhile");
  }

  /// One set to a time of day may come meanwhile.
  @Override
  public State agreed(State state, State copy) {
    if (state.atNs().isPresent() && copy.ticks() >= state.ticks()) {
      return new State(copy.clock(), state.ticks(), copy.settimeFlags(), state.remainingNs(), copy.intervalNs(),
          state.atNs(), copy.flags());
    }
    return copy.remainingNs() > 0 && copy.remainingNs() <= state.remainingNs() ? left(copy, state.remainingNs()) : copy;
  }

  private static State left(State state, long ns) {
    return new State(state.clock(), state.ticks(), state.settimeFlags(), ns, state.intervalNs(), state.atNs(),
        state.flags());
  }
}
