package stasis.linux.bpf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SigSet;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;

/// What the iterator reads is what the target answers when asked by the calls meant for that.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class HiddenStateTest {
  private static final long SECOND = 1_000_000_000L;
  private static final SigSet SUSPEND_MASK = new SigSet(1L << 55 | 1L << 3);

  private static final int POLL = 7;
  private static final int PAUSE = 34;
  private static final int NANOSLEEP = 35;
  private static final int SIGTIMEDWAIT = 128;
  private static final int SIGSUSPEND = 130;
  private static final int FUTEX = 202;
  private static final int CLOCK_NANOSLEEP = 230;

  private HiddenTarget target;
  private HiddenGroup running;
  private HiddenGroup stopped;
  private final Map<String, String> proc = new HashMap<>();
  private final Map<Tid, HiddenTask.Rseq> rseq = new HashMap<>();
  private long cpuTimeNs;

  @BeforeAll
  void readTheTargetRunningAndStopped(@TempDir Path folder)
      throws IOException, InterruptedException, SyscallException {
    assumeTrue(BpfAllowed.byCapabilities(), "needs CAP_BPF and CAP_PERFMON");
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/gcc")), "needs gcc");
    target = HiddenTarget.start(HiddenTarget.compile(folder), folder.resolve("answers"));
    try (HiddenState state = BpfAllowed.open()) {
      running = state.read(target.tgid()).orElseThrow();
      target.stop();
      stopped = state.read(target.tgid()).orElseThrow();
      for (Tid tid : target.threads()) {
        proc.put(tid + ".stat", target.proc(tid, "stat"));
        proc.put(tid + ".schedstat", target.proc(tid, "schedstat"));
        proc.put(tid + ".status", target.proc(tid, "status"));
        proc.put(tid + ".sched", target.proc(tid, "sched"));
        rseq.put(tid, target.rseq(tid));
      }
      cpuTimeNs = target.cpuTimeNs();
      target.kill();
    }
  }

  @AfterAll
  void end() {
    if (target != null) {
      target.close();
    }
  }

  @Test
  void everyThreadIsThereOnceAndInOrder() {
    assertThat(stopped.tasks()).extracting(HiddenTask::tid).containsExactlyElementsOf(target.threads());
    assertThat(stopped.tasks()).allMatch(task -> task.tgid().equals(target.tgid()));
    assertThat(stopped.tasks()).extracting(HiddenTask::state)
        .allMatch(state -> !state.exited() && state.hasMm());
  }

  @Test
  void whatCallsTellOfAThreadIsRead() {
    for (HiddenTask task : running.tasks()) {
      assertThat(told(task)).isEqualTo(answersOf(task.tid()));
    }
  }

  @Test
  void stoppingAThreadChangesNoneOfIt() {
    for (HiddenTask task : stopped.tasks()) {
      assertThat(told(task)).isEqualTo(answersOf(task.tid()));
    }
  }

  @Test
  void aStoppedSigsuspendHasItsOwnMaskInForceAndTheOldOneToComeBack() {
    for (HiddenTask task : stopped.tasks()) {
      SigSet before = sigSet(target.answer(task.tid() + ".blocked"));
      boolean suspended = task.tid().equals(byCall(stopped, SIGSUSPEND).tid());
      assertThat(task.masks()).isEqualTo(suspended
          ? new HiddenTask.Masks(SUSPEND_MASK, new SigSet(0), Optional.of(before))
          : new HiddenTask.Masks(before, new SigSet(0), Optional.empty()));
    }
  }

  @Test
  void aSleeperLeftHalfWaySaysWhereItGoesOn() {
    var seen = new ArrayList<Integer>();
    for (HiddenTask task : stopped.tasks()) {
      int nr = Integer.parseInt(target.answer(task.tid() + ".syscall"));
      seen.add(nr);
      long begun = nr == PAUSE ? 0 : target.numbers(task.tid() + ".begun")[0];
      switch (task.restartBlock()) {
        case RestartBlock.Nanosleep(int clock, var left, long expiresNs) when nr == NANOSLEEP -> {
          assertThat(clock).isEqualTo(1);
          assertThat(left).isEqualTo(new RestartBlock.RemainingTime.Native(address("nanosleep", 0)));
          assertExpires(expiresNs, begun + 100 * SECOND + 5);
        }
        case RestartBlock.Nanosleep(int clock, var left, long expiresNs) when nr == CLOCK_NANOSLEEP -> {
          assertThat(clock).isEqualTo(7);
          assertThat(left).isEqualTo(new RestartBlock.RemainingTime.Nowhere());
          assertExpires(expiresNs, begun + 400 * SECOND + 5);
        }
        case RestartBlock.Futex(var word, int value, int _, int bitset, long expiresNs) when nr == FUTEX -> {
          assertThat(word).isEqualTo(address("futex", 0));
          assertThat(value).isEqualTo((int) target.numbers("futex")[1]);
          assertThat(bitset).isEqualTo(-1);
          assertExpires(expiresNs, begun + 200 * SECOND + 5);
        }
        case RestartBlock.Poll(var fds, int count, boolean timeout, long expiresNs) when nr == POLL -> {
          assertThat(fds).isEqualTo(address("poll", 0));
          assertThat(count).isEqualTo(3);
          assertThat(timeout).isTrue();
          assertExpires(expiresNs, begun + 300 * SECOND);
        }
        case RestartBlock.None() when nr == PAUSE || nr == SIGSUSPEND || nr == SIGTIMEDWAIT -> { }
        case RestartBlock other -> throw new AssertionError("call " + nr + " left " + other);
      }
    }
    assertThat(seen).containsExactlyInAnyOrder(PAUSE, NANOSLEEP, FUTEX, POLL, CLOCK_NANOSLEEP, SIGSUSPEND,
        SIGTIMEDWAIT);
  }

  @Test
  void aRunningWaiterForSignalsShowsTheMaskToComeBack() {
    HiddenTask waiter = byCall(running, SIGTIMEDWAIT);
    SigSet before = sigSet(target.answer(waiter.tid() + ".blocked"));
    assertThat(waiter.masks().realBlocked()).isEqualTo(before);
    assertThat(waiter.masks().blocked()).isEqualTo(new SigSet(before.bits() & ~(1L << 46)));
  }

  @Test
  void runTimesAreThoseOfTheScheduler() {
    for (HiddenTask task : stopped.tasks()) {
      String tid = task.tid().toString();
      assertThat(task.times().sumExecRuntimeNs())
          .isEqualTo(Long.parseLong(proc(tid + ".schedstat").split(" ", 0)[0]));
      String execStart = proc(tid + ".sched").lines().filter(line -> line.startsWith("se.exec_start"))
          .findFirst().orElseThrow().replaceAll(".*:\\s*", "").replace(".", "");
      // /proc shows it to the nanosecond as milliseconds with six decimals
      assertThat(task.times().execStartNs()).isEqualTo(Long.parseLong(execStart));
      assertThat(task.attributes().flags() & 0xffffffffL)
          .isEqualTo(Long.parseLong(proc(tid + ".stat").replaceAll(".*\\) ", "").split(" ", 0)[6]));
      assertThat(task.seccomp().orElseThrow().filterCount()).isEqualTo(Integer.parseInt(
          proc(tid + ".status").lines().filter(line -> line.startsWith("Seccomp_filters:")).findFirst()
              .orElseThrow().replaceAll("\\D", "")));
    }
  }

  @Test
  void cpuTimeOfTheGroupIsThatOfItsClock() {
    assertThat(stopped.cpuTimeNs()).isEqualTo(cpuTimeNs);
  }

  @Test
  void rseqIsWhatPtraceSays() {
    for (HiddenTask task : stopped.tasks()) {
      assertThat(task.rseq()).isEqualTo(Optional.ofNullable(rseq.get(task.tid())));
    }
  }

  @Test
  void everySignalActionIsRead() {
    var expected = new ArrayList<SigAction>();
    for (int signal = 1; signal <= 64; signal++) {
      String[] words = target.answer("action." + signal).split(" ", 0);
      expected.add(new SigAction(address(words[0]), Long.parseLong(words[1]), address(words[2]), sigSet(words[3])));
    }
    assertThat(shared().actions()).isEqualTo(expected);
    assertThat(expected.stream().filter(action -> action.handler().bits() != 0).count()).isGreaterThan(8);
  }

  @Test
  void everyTimerIsReadAndTheDeletedOneIsNot() {
    List<String> keys = target.keysOf("timer.");
    assertThat(shared().timers()).hasSize(keys.size()).hasSizeGreaterThan(150);
    for (PosixTimer timer : shared().timers()) {
      String[] words = target.answer("timer." + timer.id()).split(" ", 0);
      assertThat(List.of(timer.clockId(), timer.notification(), timer.signal(), timer.value(),
          timer.target().map(Tid::value).orElse(0), timer.intervalNs(), timer.overrunLast(), timer.expiryClockId(),
          timer.measured().map(Tid::value).orElse(0)))
          .as("timer %d", timer.id())
          .isEqualTo(List.of(Integer.parseInt(words[0]), Integer.parseInt(words[1]), Integer.parseInt(words[2]),
              address(words[3]), Integer.parseInt(words[4]), Long.parseLong(words[5]), Long.parseLong(words[10]),
              Integer.parseInt(words[6]), Integer.parseInt(words[7])));
      long earliest = Long.parseLong(words[8]);
      long latest = Long.parseLong(words[9]);
      boolean armed = earliest != 0;
      assertThat(timer.armed()).as("timer %d", timer.id()).isEqualTo(armed);
      // asked at a time long after the first expiry of the two that have expired already
      if (timer.intervalNs() == SECOND / 1000) {
        assertThat(timer.overrunLast()).isPositive();
        assertThat(timer.leftNs(latest)).isBetween(1L, timer.intervalNs());
        continue;
      }
      long now = latest - SECOND;
      assertThat(armed ? now + timer.leftNs(now) : timer.leftNs(0)).as("timer %d", timer.id())
          .isBetween(earliest, latest);
    }
    assertThat(shared().timers()).extracting(PosixTimer::status).contains(0, 1, 2);
    assertThat(shared().nextTimerId()).contains((int) target.numbers("next_timer")[0]);
  }

  @Test
  void intervalTimersHaveTheTimeLeftThatGetitimerSays() {
    long[] real = target.numbers("itimer.real");
    assertThat(shared().real().ticking()).isTrue();
    assertThat(shared().real().intervalNs()).isEqualTo(real[0]);
    // getitimer(2) cuts to a microsecond
    assertThat(shared().real().expiresNs()).isBetween(real[1], real[2] + 1_000);
    assertCpuTimer(shared().virtual(), target.numbers("itimer.virtual"), target.numbers("left.virtual")[0]);
    assertCpuTimer(shared().prof(), target.numbers("itimer.prof"), target.numbers("left.prof")[0]);
  }

  @Test
  void whatThreadsShareIsRead() {
    HiddenGroup.Mm mm = shared().mm();
    var actual = new TreeMap<String, Object>();
    actual.put("dumpable", mm.dumpable());
    actual.put("subreaper", shared().childSubreaper());
    actual.put("thp_disable", mm.thpDisabled());
    actual.put("ldt", mm.hasLdt());
    actual.put("brk", mm.brk());
    actual.put("start_brk", mm.startBrk());
    actual.put("start_code", mm.startCode());
    actual.put("end_code", mm.endCode());
    actual.put("start_data", mm.startData());
    actual.put("end_data", mm.endData());
    actual.put("start_stack", mm.startStack());
    actual.put("arg_start", mm.argStart());
    actual.put("arg_end", mm.argEnd());
    actual.put("env_start", mm.envStart());
    actual.put("env_end", mm.envEnd());
    if (target.answered("mdwe")) {
      actual.put("mdwe", mm.mdwe());
    }
    if (target.answered("memory_merge")) {
      actual.put("memory_merge", mm.memoryMerge());
    }
    for (var entry : actual.entrySet()) {
      assertThat(entry.getValue()).as(entry.getKey()).hasToString(target.answer(entry.getKey()));
    }
    if (target.answered("membarrier")) {
      // MEMBARRIER_STATE_PRIVATE_EXPEDITED and MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED
      assertThat((mm.membarrierState().orElseThrow() & 2) != 0).isEqualTo((target.numbers("membarrier")[0] & 16) != 0);
    }
    // no call tells of mlockall(MCL_FUTURE); the target has called it
    assertThat(mm.mlockallFlags()).isEqualTo(2 | 4);
    assertThat(shared().signalFlags()).isZero();
  }

  @Test
  void semaphoreAdjustmentsAreWhatItsEndMade() {
    List<String> keys = target.keysOf("undo.");
    assertThat(keys).hasSize(2);
    for (HiddenTask task : stopped.tasks()) {
      assertThat(task.semUndoSharers()).isEqualTo(stopped.tasks().size());
      var actual = new TreeMap<String, String>();
      for (SemUndo undo : task.semUndo()) {
        List<String> adjustments = undo.adjustments(5).stream().map(String::valueOf).toList();
        actual.put("undo." + undo.semId(), String.join(" ", adjustments));
      }
      assertThat(actual.keySet()).containsExactlyElementsOf(keys);
      actual.forEach((key, value) -> assertThat(value).as(key).isEqualTo(target.answer(key)));
    }
  }

  private Map<String, String> told(HiddenTask task) {
    var told = new TreeMap<String, String>();
    told.put("altstack", task.altStack().base() + " " + task.altStack().bytes() + " " + task.altStack().flags());
    told.put("clear_child_tid", task.clearChildTid().toString());
    told.put("set_child_tid", task.setChildTid().toString());
    told.put("robust_list", task.robustList().toString());
    // sigtimedwait(2) opens the mask while it waits
    SigSet blocked = task.masks().realBlocked().bits() != 0 ? task.masks().realBlocked() : task.masks().blocked();
    told.put("blocked", blocked.toString());
    told.put("slack", Long.toString(task.attributes().timerSlackNs()));
    told.put("default_slack", Long.toString(task.attributes().defaultTimerSlackNs()));
    told.put("perf", Boolean.toString(task.contexts().perfEvents()));
    told.put("personality", Integer.toString(task.attributes().personality()));
    told.put("pdeath", Integer.toString(task.attributes().pdeathSignal()));
    told.put("securebits", Integer.toString(task.attributes().securebits()));
    told.put("no_new_privs", task.attributes().noNewPrivs() ? "1" : "0");
    told.put("seccomp", Integer.toString(task.seccomp().orElseThrow().mode()));
    HiddenTask.Rseq rseq = task.rseq().orElseThrow();
    told.put("rseq", rseq.area() + " " + rseq.signature());
    told.put("exit_signal", Integer.toString(task.attributes().exitSignal()));
    told.put("ioprio", task.contexts().ioPriority().map(String::valueOf).orElse("0"));
    // get_mempolicy(2) gives flags with the mode, and the nodes as asked for if a flag keeps them
    told.put("mempolicy", task.memPolicy()
        .map(policy -> (policy.mode() | policy.flags()) + " " + policy.userNodes().u8(0)).orElse("0 0"));
    HiddenTask.SyscallDispatch dispatch = task.syscallDispatch().orElseThrow();
    told.put("dispatch",
        dispatch.on() + " " + dispatch.selector() + " " + dispatch.offset() + " " + dispatch.bytes());
    told.put("iopl", Integer.toString(task.contexts().iopl()));
    told.put("ioperm", Boolean.toString(task.contexts().ioBitmap()));
    told.put("io_uring", Boolean.toString(task.contexts().ioUring()));
    told.put("start_ticks", Long.toString(task.times().startBoottimeNs() / 10_000_000));
    return told;
  }

  private Map<String, String> answersOf(Tid tid) {
    var answers = new TreeMap<String, String>();
    for (String key : target.keysOf(tid + ".")) {
      answers.put(key.substring(key.indexOf('.') + 1), target.answer(key));
    }
    answers.keySet().removeAll(List.of("syscall", "begun", "flags"));
    if (byCall(running, SIGSUSPEND).tid().equals(tid)) {
      answers.put("blocked", SUSPEND_MASK.toString());
    }
    return answers;
  }

  private HiddenTask byCall(HiddenGroup group, int nr) {
    return group.tasks().stream()
        .filter(task -> target.answer(task.tid() + ".syscall").equals(Integer.toString(nr))).findFirst().orElseThrow();
  }

  private HiddenGroup.Shared shared() {
    return stopped.shared().orElseThrow();
  }

  /// A sleep begins a little after the clock was read before it.
  private static void assertExpires(long expiresNs, long earliestNs) {
    assertThat(expiresNs).isBetween(earliestNs, earliestNs + SECOND);
  }

  private static void assertCpuTimer(HiddenGroup.ItimerCpu timer, long[] answer, long leftNs) {
    assertThat(timer.intervalNs()).isEqualTo(answer[0]);
    // ticks of up to 10 ms, on an account of its own
    assertThat(timer.expiresNs() - answer[1]).isBetween(-30_000_000L, 30_000_000L);
    assertThat(timer.leftNs() - leftNs).isBetween(-30_000_000L, 30_000_000L);
  }

  private String proc(String key) {
    return Objects.requireNonNull(proc.get(key), key);
  }

  private RemoteAddress address(String key, int word) {
    return address(target.answer(key).split(" ", 0)[word]);
  }

  private static RemoteAddress address(String hex) {
    return new RemoteAddress(Long.parseUnsignedLong(hex.substring(2), 16));
  }

  private static SigSet sigSet(String hex) {
    return new SigSet(Long.parseUnsignedLong(hex, 16));
  }
}
