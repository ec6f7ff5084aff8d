package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.engine.CheckpointOutcome;
import stasis.engine.CheckpointRequest;
import stasis.engine.Checkpointer;
import stasis.image.LossRow;
import stasis.kinds.Kinds;
import stasis.linux.abi.Tid;
import stasis.resource.Obstacle;
import stasis.testkit.Victim;

/// What is promised of trees at their edges: before the freeze, at the end, and where nothing may be lost.
class TreeEdgesTest {
  private static CheckpointOutcome checkpoint(Cycle cycle, Tid root, boolean strict, Optional<Duration> maxFreeze) {
    return new Checkpointer(Kinds.all(), cycle.environment()).checkpoint(
        new CheckpointRequest(root, cycle.newImage(), false, strict, false, maxFreeze), _ -> { });
  }

  private static List<Obstacle> refused(CheckpointOutcome outcome) {
    if (outcome instanceof CheckpointOutcome.Refused(var obstacles, var _)) {
      return obstacles;
    }
    throw new AssertionError("not refused: " + Cycle.text(outcome));
  }

  private static Victim vforking(Cycle cycle) {
    Victim victim = cycle.start(new Victims().program("vforks"));
    victim.awaitReady("vforked", Cycle.BOUND);
    assertThat(Ground.waitFor(() -> state(victim.pid()).equals("D"))).isTrue();
    return victim;
  }

  /// Lets the child go on.
  private static void release(Victim victim) {
    try {
      Files.createFile(victim.folder().resolve("go.released"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String state(Tid task) {
    try {
      String stat = Files.readString(Path.of("/proc/" + task + "/stat"));
      return stat.substring(stat.lastIndexOf(')') + 2).substring(0, 1);
    } catch (IOException e) {
      return "";
    }
  }

  @Test
  void aVforkInFlightIsWaitedFor(@TempDir Path work) throws InterruptedException {
    try (var cycle = new Cycle(new Victims(), work)) {
      Victim victim = vforking(cycle);
      Thread release = Thread.ofPlatform().start(() -> {
        LockSupport.parkNanos(Duration.ofMillis(300).toNanos());
        release(victim);
      });
      Path image = cycle.newImage();
      cycle.stored(victim, image, false);
      release.join();
      cycle.bury(victim);
      cycle.running(image);
      victim.awaitReady("after", Cycle.BOUND);
      victim.go("after");
      assertThat(victim.verdict(Cycle.BOUND)).as(victim.errors()).isEqualTo(new Victim.Verdict.Passed());
      cycle.reap(victim.pid());
    }
  }

  @Test
  void aVforkThatDoesNotEndIsRefusedByNameAndGoesOn(@TempDir Path work) {
    try (var cycle = new Cycle(new Victims(), work)) {
      Victim victim = vforking(cycle);
      List<Obstacle> obstacles = refused(checkpoint(cycle, victim.pid(), false, Optional.of(Duration.ofMillis(400))));
      assertThat(obstacles).extracting(Obstacle::text).anySatisfy(
          text -> assertThat(text).contains("task " + victim.pid()).contains("vfork"));
      release(victim);
      victim.awaitReady("after", Cycle.BOUND);
      victim.go("after");
      assertThat(victim.verdict(Cycle.BOUND)).as(victim.errors()).isEqualTo(new Victim.Verdict.Passed());
    }
  }

  @Test
  void everyPidBelowTheRootIsFreeWhenTheCheckpointReturns(@TempDir Path work) {
    try (var cycle = new Cycle(new Victims(), work)) {
      Victim victim = cycle.start(new Victims().general("tree_family"));
      victim.awaitReady("family", Cycle.BOUND);
      List<Tid> tree = Cycle.tree(victim.pid());
      assertThat(tree).hasSize(7);

      cycle.stored(victim, cycle.newImage(), false);

      assertThat(tree.stream().skip(1).filter(Cycle::exists)).isEmpty();
      cycle.bury(victim);
    }
  }

  @Test
  void aParentOutsideThatDoesNotWaitForTheRootIsNamed(@TempDir Path work) {
    try (var cycle = new Cycle(new Victims(), work)) {
      Victim victim = cycle.start(new Victims().program("unwaiting"));
      victim.awaitReady("unwaiting", Cycle.BOUND);
      Tid child = Cycle.tree(victim.pid()).getLast();

      CheckpointOutcome outcome = checkpoint(cycle, child, false, Optional.empty());

      assertThat(outcome).as(Cycle.text(outcome)).isInstanceOf(CheckpointOutcome.Stored.class);
      assertThat(((CheckpointOutcome.Stored) outcome).report().warnings()).anySatisfy(warning -> assertThat(warning)
          .contains("task " + child).contains("parent " + victim.pid() + " (unwaiting").contains("has not waited"));
      victim.go("unwaiting");
      assertThat(victim.verdict(Cycle.BOUND)).as(victim.errors()).isEqualTo(new Victim.Verdict.Passed());
    }
  }

  @Test
  void eventsNobodyHasReadAreToldAndRefusedWhereNothingMayBeLost(@TempDir Path work) {
    try (var cycle = new Cycle(new Victims(), work)) {
      Victim victim = cycle.start(new Victims().program("unread_events"));
      victim.awaitReady("unread", Cycle.BOUND);

      assertThat(new Checkpointer(Kinds.all(), cycle.environment()).explain(victim.pid()).rows()).anySatisfy(row -> {
        assertThat(row.kind()).isEqualTo("file.inotify");
        assertThat(row.exactness()).isEqualTo(LossRow.Exactness.APPROXIMATE);
        assertThat(row.detail()).contains("bytes of events");
      });
      assertThat(refused(checkpoint(cycle, victim.pid(), true, Optional.empty()))).extracting(Obstacle::text)
          .anySatisfy(text -> assertThat(text).contains("bytes of events that were not read yet are lost"));
      victim.go("unread");
      assertThat(victim.verdict(Cycle.BOUND)).as(victim.errors()).isEqualTo(new Victim.Verdict.Passed());
    }
  }
}
