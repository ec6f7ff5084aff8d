package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import stasis.engine.CheckpointOutcome;
import stasis.engine.Moment;
import stasis.engine.RestoreOutcome;
import stasis.linux.sys.Syscalls;
import stasis.live.FaultGate.Deed;
import stasis.live.FaultGate.Order;
import stasis.repository.ImageStore;
import stasis.testkit.Victim;

/// One program, run after run. It is the same one all along: checkpointed, ended, restored.
final class FaultRuns implements AutoCloseable {
  private static final Duration BOUND = Duration.ofSeconds(60);
  /// A program at work may be in the middle of something that is refused: a connection nobody has accepted yet.
  private static final int TRIES = 20;
  private static final long STAYS_NS = 20_000_000;

  /// What an engine does.
  enum Act { CHECKPOINT, CHECKPOINT_AND_END, RESTORE }

  /// Thrown at a moment.
  private static final class Fault extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  /// What an act does when nothing happens to it: its calls by what they ask, and its moments.
  private record Known(Map<String, Integer> calls, int moments) {}

  private final FaultSubject subject;
  private final FaultTable table;
  private final SpareEngine spare;
  private final Cycle cycle;
  private final Victim victim;
  private final Map<Act, Known> known = new HashMap<>();
  private final Ground.Stray ground;
  private Optional<Path> before = Optional.empty();
  private String latest = "at the start";

  FaultRuns(FaultSubject subject, Victims victims, Path work, FaultTable table, SpareEngine spare) {
    this.subject = subject;
    this.table = table;
    this.spare = spare;
    this.cycle = new Cycle(victims, work);
    this.victim = cycle.start(subject.program().apply(victims));
    victim.awaitReady(subject.label(), BOUND);
    if (subject.waits()) {
      before = Optional.of(cycle.oracle().snapshot(victim.pid()));
    }
    this.ground = Ground.Stray.now();
  }

  /// What was done last.
  String latest() {
    return latest;
  }

  void run(Random random) {
    Act act = Act.values()[random.nextInt(Act.values().length)];
    Known plain = known(act);
    if (random.nextInt(5) == 0) {
      interrupted(act, random.nextInt(plain.moments()));
      return;
    }
    Deed deed = Deed.values()[random.nextInt(Deed.values().length)];
    List<String> calls = plain.calls().keySet().stream().filter(key -> deed != Deed.FAILS || FaultGate.mayFail(key))
        .sorted().toList();
    String call = calls.get(random.nextInt(calls.size()));
    var order = new Order(deed, call, random.nextInt(plain.calls().get(call)), random.nextInt(6));
    run(act, order);
  }

  void run(Act act, Order order) {
    latest = act + " " + order.text();
    switch (order.deed()) {
      case FAILS, LATE -> within(act, order);
      case DIES_BEFORE, DIES_AFTER, HANGS -> inAnother(act, order);
    }
  }

  /// How often an act asks that of the kernel, when nothing happens to it.
  int calls(Act act, String call) {
    return known(act).calls().getOrDefault(call, 0);
  }

  private Known known(Act act) {
    if (!known.containsKey(act)) {
      latest = act + " to learn what it does";
      known.put(act, learn(act));
      isWell();
    }
    return known.get(act);
  }

  private Known learn(Act act) {
    for (int left = TRIES; ; left--) {
      var gate = FaultGate.counting();
      var moments = new ArrayList<Moment>();
      Path image = prepared(act);
      Object outcome = Syscalls.through(gate, () -> act(act, image, moments::add));
      if (outcome instanceof CheckpointOutcome.Stored || outcome instanceof RestoreOutcome.Running) {
        settle(act, image);
        return new Known(gate.counts(), moments.size());
      }
      assertThat(left).as(Cycle.text(outcome)).isPositive();
    }
  }

  /// The folder of the act: a restore needs an image, and the program gone.
  private Path prepared(Act act) {
    for (int left = TRIES; act == Act.RESTORE; left--) {
      Path image = cycle.newImage();
      CheckpointOutcome outcome = cycle.checkpoint(victim, image, false, _ -> { });
      if (outcome instanceof CheckpointOutcome.Stored) {
        cycle.bury(victim);
        return image;
      }
      assertThat(left).as(Cycle.text(outcome)).isPositive();
    }
    return cycle.newImage();
  }

  private Object act(Act act, Path image, Moment.Listener listener) {
    return act == Act.RESTORE ? cycle.restore(image, listener)
        : cycle.checkpoint(victim, image, act == Act.CHECKPOINT, listener);
  }

  private void interrupted(Act act, int ordinal) {
    latest = act + " fails at moment " + ordinal;
    int[] left = {ordinal};
    Path image = prepared(act);
    String outcome;
    try {
      outcome = name(act(act, image, moment -> {
        if (left[0]-- == 0) {
          latest = act + " fails at moment " + ordinal + " " + moment;
          throw new Fault();
        }
      }));
    } catch (Fault _) {
      outcome = "failed";
    }
    judge(act, image, "a step fails", outcome);
  }

  private void within(Act act, Order order) {
    Path image = prepared(act);
    var gate = FaultGate.of(order);
    String outcome = name(Syscalls.through(gate, () -> act(act, image, _ -> { })));
    judge(act, image, order.deed() == Deed.FAILS ? "a call fails" : "a call is late", outcome);
  }

  private void inAnother(Act act, Order order) {
    Path image = prepared(act);
    try {
      EngineProcess.End end = spare.order(act == Act.RESTORE ? EngineProcess.restoring(image, order)
          : EngineProcess.checkpointing(victim.pid(), image, act == Act.CHECKPOINT, order));
      // A JVM of its own makes other calls in other numbers: some orders are for calls that never come.
      judge(act, image, switch (order.deed()) {
        case DIES_BEFORE -> "killed before a call";
        case DIES_AFTER -> "killed after a call";
        default -> "hangs in a call, is killed";
      }, end.killed() ? "killed" : "did not come to it");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String name(Object outcome) {
    return switch (outcome) {
      case CheckpointOutcome.Stored _ -> "stored";
      case RestoreOutcome.Running _ -> "restored";
      case CheckpointOutcome.Refused _ -> "refused";
      case RestoreOutcome.Refused _ -> "refused";
      default -> "failed";
    };
  }

  /// Whether the program is well or stored; it runs again after this.
  private void judge(Act act, Path image, String fault, String outcome) {
    boolean gone = !runs() || wasDying();
    boolean held = ImageStore.holdsImage(image);
    assertThat(!gone || held).as("it is gone, and there is no image: %s %s", victim.lines(), victim.errors()).isTrue();
    if (gone) {
      assertThat(act).as("who was to leave it running ended it").isNotEqualTo(Act.CHECKPOINT);
      Ground.onlyTasks(cycle, Set.of());
    } else {
      isWell();
    }
    if (held && act != Act.RESTORE) {
      RestoreOutcome planned = cycle.plan(image);
      assertThat(planned instanceof RestoreOutcome.Planned || !gone && planned instanceof RestoreOutcome.Refused)
          .as(Cycle.text(planned)).isTrue();
    }
    settle(act, image);
    isWell();
    ground.isAsItWas();
    table.count(subject.name() + " | " + text(act) + " | " + fault, outcome + (gone ? ", gone" : ", runs"));
  }

  private static String text(Act act) {
    return switch (act) {
      case CHECKPOINT -> "checkpoint, left running";
      case CHECKPOINT_AND_END -> "checkpoint, ended";
      case RESTORE -> "restore";
    };
  }

  /// Dead now, and has made no round since it was looked at: a stub that idles looks alive until its engine's death, or a
  /// keeper, gets to it.
  private boolean wasDying() {
    if (before.isPresent()) {
      return false;
    }
    List<Long> rounds = subject.rounds(victim);
    Ground.waitFor(() -> fails() || !victim.isAlive() || subject.haveGoneOn(victim, rounds));
    return !victim.isAlive() && subject.rounds(victim).equals(rounds);
  }

  /// Alive; one that dies now is waited for.
  private boolean runs() {
    Ground.waitFor(() -> !victim.isAlive() || stopped().isEmpty() && stays());
    return victim.isAlive();
  }

  /// A task that has just gone from /proc was on its way when it was looked at.
  private boolean stays() {
    LockSupport.parkNanos(STAYS_NS);
    return stopped().isEmpty() && victim.isAlive();
  }

  private void settle(Act act, Path image) {
    if (!victim.isAlive()) {
      cycle.bury(victim);
      var outcome = new AtomicReference<RestoreOutcome>();
      // Those of a killed engine's that are still dying have memory attached, terminals, pids; and some inits take seconds
      // to bury a child that has come to them, whose process group is the program's.
      Ground.waitFor(() -> {
        outcome.set(cycle.restore(image, _ -> { }));
        return !(outcome.get() instanceof RestoreOutcome.Refused
            || outcome.get() instanceof RestoreOutcome.Failed(String reason) && reason.contains("is taken by"));
      });
      assertThat(outcome.get()).as(Cycle.text(outcome.get())).isInstanceOf(RestoreOutcome.Running.class);
    }
    remove(image);
  }

  private static void remove(Path image) {
    try (Stream<Path> files = Files.exists(image) ? Files.walk(image) : Stream.empty()) {
      for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// All its tasks run, untraced, and find nothing wrong.
  private void isWell() {
    assertThat(Ground.waitFor(() -> stopped().isEmpty())).as(() -> "left standing: " + stopped()).isTrue();
    if (before.isPresent()) {
      Ground.isUntouched(cycle, victim, before.get());
      return;
    }
    List<Long> rounds = subject.rounds(victim);
    assertThat(Ground.waitFor(() -> fails() || subject.haveGoneOn(victim, rounds))).as(() -> "it does not go on: from "
        + rounds + " to " + subject.rounds(victim) + " " + victim.lines() + victim.errors() + " " + whereTheyAre())
        .isTrue();
    assertThat(fails()).as(() -> victim.lines() + victim.errors()).isFalse();
  }

  /// For who has to find out why: what every task waits for.
  private String whereTheyAre() {
    return Cycle.tree(victim.pid()).stream().flatMap(pid -> Ground.whereIs(pid).stream())
        .collect(Collectors.joining("\n", "\n", "\n"));
  }

  private boolean fails() {
    return victim.lines().stream().anyMatch(line -> line.startsWith("FAIL"));
  }

  private Set<String> stopped() {
    return Cycle.tree(victim.pid()).stream().flatMap(task -> Ground.stopped(task).stream())
        .collect(Collectors.toCollection(HashSet::new));
  }

  /// Told to end, it finds itself whole.
  void passes() {
    victim.go(subject.label());
    assertThat(victim.verdict(BOUND)).as(subject.name()).isEqualTo(new Victim.Verdict.Passed());
  }

  @Override
  public void close() {
    cycle.close();
  }
}
