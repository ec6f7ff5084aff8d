package stasis.kinds.task.scheduling;

import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.procfs.Limits;
import stasis.procfs.Stat;
import stasis.resource.Answer;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.FrozenTask;
import stasis.resource.Host;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;
import stasis.resource.TaskAspect;

/// How and where a thread is scheduled: policy, nice value, priority, deadline, utilization clamps, CPU affinity
/// (sched(7)). Set late, in the stage of credentials but before them: a deadline task of little runtime would make all
/// that follows wait for its next period.
public final class Scheduling implements TaskAspect<Scheduling.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "task.scheduling", 1);
  /// `struct sched_attr` up to util_max (include/uapi/linux/sched/types.h).
  private static final int ATTR_BYTES = 56;
  private static final int MASK_BYTES = 1024;
  private static final int SCHED_FIFO = 1;
  private static final int SCHED_RR = 2;
  private static final int SCHED_DEADLINE = 6;
  private static final int SCHED_FLAG_UTIL_CLAMP = 0x60;
  private static final int UTIL_MAX_DEFAULT = 1024;
  private static final long PRIO_PROCESS = 0;

  /// @param flags SCHED_FLAG_* of sched_setattr(2) @param nice kept by every policy @param realTimePriority 1 to 99,
  ///     else 0
  /// @param runtimeNs of SCHED_DEADLINE, or the slice of a fair policy where it is the task's own, else 0
  /// @param clamped whether utilization clamps were set @param cpus allowed CPUs, bit n of the bytes is CPU n
  record State(@Tag(1) int policy, @Tag(2) long flags, @Tag(3) int nice, @Tag(4) int realTimePriority,
      @Tag(5) long runtimeNs, @Tag(6) long deadlineNs, @Tag(7) long periodNs, @Tag(8) boolean clamped,
      @Tag(9) int utilMin, @Tag(10) int utilMax, @Tag(11) Bytes cpus) {
    State {
      if (cpus.length() % 8 != 0 || cpus.isEmpty()) {
        throw new IllegalArgumentException("a CPU mask is whole words, was " + cpus.length() + " bytes");
      }
    }

    private boolean realTime() {
      return policy == SCHED_FIFO || policy == SCHED_RR || policy == SCHED_DEADLINE;
    }
  }

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    if (host.capabilities().contains("CAP_SYS_NICE")) {
      return List.of();
    }
    var obstacles = new ArrayList<Obstacle>();
    Optional<Limits> limits = host.inherited("limits").map(Limits::parse);
    long priority = limits.map(l -> l.of(Limits.Resource.RTPRIO).soft()).orElse(0L);
    if (state.realTime() && (state.policy() == SCHED_DEADLINE
        || Long.compareUnsigned(priority, state.realTimePriority()) < 0)) {
      obstacles.add(lacks("policy " + state.policy() + " priority " + state.realTimePriority()));
    }
    int inherited = host.inherited("stat").map(text -> Stat.parse(text).nice()).orElse(0);
    // RLIMIT_NICE counts from 20 downwards (getrlimit(2)).
    long lowest = 20 - limits.map(l -> l.of(Limits.Resource.NICE).soft()).orElse(0L);
    if (state.nice() < inherited && state.nice() < lowest) {
      obstacles.add(lacks("nice " + state.nice() + " (the restorer has " + inherited + ")"));
    }
    return obstacles;
  }

  private static Obstacle lacks(String what) {
    return new Obstacle.HostLacks("scheduling", what + " needs CAP_SYS_NICE", "restore with that capability");
  }

  @Override
  public Optional<State> checkpoint(FrozenTask task, Answers answers) throws ObstructedException {
    Bytes attr = require(task, Nr.SCHED_GETATTR, task.observe(Nr.SCHED_GETATTR, attr(task.tid().value()))).output(1);
    int policy = attr.u32(4);
    long runtimeNs = attr.u64(24);
    // A fair task shows its slice, set or not: it is the task's own where it differs from what this engine has.
    if (policy != SCHED_DEADLINE && runtimeNs == require(task, Nr.SCHED_GETATTR,
        task.observeOwn(Nr.SCHED_GETATTR, attr(0))).output(1).u64(24)) {
      runtimeNs = 0;
    }
    int utilMin = attr.u32(48);
    int utilMax = attr.u32(52);
    boolean clamped = utilMin != 0 || utilMax != 0 && utilMax != UTIL_MAX_DEFAULT;
    return Optional.of(new State(policy, attr.u64(8), task.stat().nice(), attr.u32(20), runtimeNs, attr.u64(32),
        attr.u64(40), clamped, utilMin, utilMax, cpus(task)));
  }

  private static Arg[] attr(int tid) {
    return new Arg[] {Arg.imm(tid), Arg.space(ATTR_BYTES), Arg.imm(ATTR_BYTES), Arg.imm(0)};
  }

  private static Bytes cpus(FrozenTask task) throws ObstructedException {
    Bytes mask = require(task, Nr.SCHED_GETAFFINITY, task.observe(Nr.SCHED_GETAFFINITY,
        Arg.imm(task.tid().value()), Arg.imm(MASK_BYTES), Arg.space(MASK_BYTES))).output(2);
    int words = MASK_BYTES / 8;
    while (words > 1 && mask.u64((words - 1) * 8) == 0) {
      words--;
    }
    return mask.slice(0, words * 8);
  }

  private static Answer require(FrozenTask task, Nr nr, Answer answer) throws ObstructedException {
    if (answer.failed()) {
      throw new ObstructedException(task.subject(), nr.kernelName() + " failed with " + Errno.of(answer.result()), "");
    }
    return answer;
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    // Affinity before the policy: a deadline task must be allowed on its whole root domain, and may not be moved then.
    script.call(Nr.SCHED_SETAFFINITY, "CPU affinity", Arg.imm(0), Arg.imm(state.cpus().length()),
        Arg.data(state.cpus()));
    // Nice apart from the policy: sched_setattr(2) sets it for SCHED_OTHER and SCHED_BATCH alone.
    script.call(Nr.SETPRIORITY, "nice value", Arg.imm(PRIO_PROCESS), Arg.imm(0), Arg.imm(state.nice()));
    long flags = state.flags() | (state.clamped() ? SCHED_FLAG_UTIL_CLAMP : 0);
    Bytes attr = Bytes.ofU32(ATTR_BYTES, state.policy()).concat(Bytes.ofU64(flags))
        .concat(Bytes.ofU32(state.realTime() ? 0 : state.nice(), state.realTimePriority()))
        .concat(Bytes.ofU64(state.runtimeNs(), state.deadlineNs(), state.periodNs()))
        .concat(Bytes.ofU32(state.clamped() ? state.utilMin() : 0, state.clamped() ? state.utilMax() : 0));
    script.call(Nr.SCHED_SETATTR, "scheduling policy", Arg.imm(0), Arg.data(attr), Arg.imm(0));
  }

  @Override
  public Stage stage() {
    return Stage.CREDENTIALS;
  }
}
