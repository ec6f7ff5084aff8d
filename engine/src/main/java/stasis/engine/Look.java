package stasis.engine;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import stasis.image.LossRow;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.procfs.ProcException;
import stasis.resource.KindSet;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.tracee.Deadline;
import stasis.tracee.FrozenTree;
import stasis.tracee.Ptrace;

/// A freeze that only describes: what `explain` does.
final class Look {
  private static final Duration FREEZE_BOUND = Duration.ofSeconds(10);

  private final KindSet kinds;
  private final Environment environment;
  private final Practice practice;
  private final Ptrace ptrace;
  private final EmbedOrder embed;

  Look(KindSet kinds, Environment environment, Practice practice, Ptrace ptrace, EmbedOrder embed) {
    this.embed = embed;
    this.kinds = kinds;
    this.environment = environment;
    this.practice = practice;
    this.ptrace = ptrace;
  }

  Explanation at(Tid root) {
    try {
      Rehearsal rehearsal = practice.look(ptrace, environment.proc());
      LiveHost host = LiveHost.look(environment.proc(), rehearsal);
      try (Practice.Loan loan = practice.kernel(ptrace)) {
        rehearsal.play(practice, kinds, environment, ptrace, host, loan.kernel(), root, false, TrackOrder.OFF);
        Answering answering = Answering.open(environment, root, loan.kernel(), false);
        long start = environment.monotonicNs().getAsLong();
        return switch (FrozenTree.freeze(ptrace, root, Deadline.after(FREEZE_BOUND), stasis.tracee.FaultPoints.NONE)) {
          case FrozenTree.Outcome.Obstructed(var found) -> refused(Checkpointer.obstacles(found), 0);
          case FrozenTree.Outcome.Frozen(var tree) -> collected(tree, answering, start, host);
        };
      }
    } catch (SyscallException | ProcException e) {
      return refused(List.of(new Obstacle.Unsupported("task " + root, String.valueOf(e.getMessage()), "")), 0);
    }
  }

  private Explanation collected(FrozenTree tree, Answering answering, long start, LiveHost host)
      throws SyscallException {
    Collected collected;
    try (tree) {
      Stopped stopped = answering.of(tree, ptrace, environment.monotonicNs());
      collected = new Collector(kinds, environment.proc(), stopped, host,
          new Phases(environment.monotonicNs())).collect();
      if (collected instanceof Collected.Complete complete) {
        complete.files().tellLeaks(answering.outsiders(), Set.copyOf(tree.leaders()));
        complete.close();
      }
    }
    long frozenNs = environment.monotonicNs().getAsLong() - start;
    return switch (collected) {
      case Collected.Obstructed(var obstacles, var losses) -> new Explanation(losses, obstacles, frozenNs);
      case Collected.Complete complete -> settled(complete, host, frozenNs);
    };
  }

  private Explanation settled(Collected.Complete complete, LiveHost host, long frozenNs) {
    try (Embedding embedding = Embedding.begin(embed, complete.capture(), complete.files().facts())) {
      embedding.foretell(complete.findings());
      Capture settled = Settling.of(complete.capture(), host);
      return new Explanation(complete.findings().table(settled.items().values(), host), List.of(), frozenNs);
    } catch (ObstructedException e) {
      return refused(List.of(e.obstacle()), frozenNs);
    } catch (SyscallException e) {
      return refused(List.of(new Obstacle.Unsupported("files to embed", String.valueOf(e.getMessage()), "")), frozenNs);
    }
  }

  private static Explanation refused(List<Obstacle> obstacles, long frozenNs) {
    return new Explanation(obstacles.stream().map(o -> new LossRow(o.subject(), "core.task",
        LossRow.Exactness.REFUSED, o.reason(), Optional.of(o.remedy()).filter(r -> !r.isEmpty()))).toList(), obstacles,
        frozenNs);
  }
}
