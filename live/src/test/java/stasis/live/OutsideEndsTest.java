package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import stasis.engine.CheckpointOutcome;
import stasis.engine.CheckpointRequest;
import stasis.engine.Checkpointer;
import stasis.image.LossRow;
import stasis.kinds.Kinds;
import stasis.kinds.Outside;
import stasis.kinds.TcpPeers;
import stasis.resource.Obstacle;
import stasis.testkit.Victim;

/// Pipes and unix sockets whose other ends are held by a process that is not of the tree.
class OutsideEndsTest {
  /// Carries the victim of a kind as `outside` says, and lets it check itself.
  private static List<LossRow> carried(String kind, String mode, Outside outside, Path work) {
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = cycle.start(victims.ofKind("file", kind).with("MODE=" + mode));
      victim.awaitReady("carried", Cycle.BOUND);
      Path image = cycle.newImage();
      CheckpointOutcome outcome = new Checkpointer(Kinds.all(outside), cycle.environment()).checkpoint(
          new CheckpointRequest(victim.pid(), image, false, false, false, Optional.empty()), _ -> { });
      if (!(outcome instanceof CheckpointOutcome.Stored(var report))) {
        throw new AssertionError(Cycle.text(outcome));
      }
      cycle.bury(victim);
      cycle.running(image);
      victim.go("carried");
      assertThat(victim.verdict(Cycle.BOUND)).as(victim.errors()).isEqualTo(new Victim.Verdict.Passed());
      cycle.reap(victim.pid());
      return report.losses();
    }
  }

  @ParameterizedTest
  @EnumSource(names = "REFUSE", mode = EnumSource.Mode.EXCLUDE)
  void anEndOfAPipeLeadsWhereItIsToldTo(Outside.Pipes pipes, @TempDir Path work) {
    String mode = pipes == Outside.Pipes.NULL ? "null" : "inherit";

    assertThat(carried("outsidepipe", mode, new Outside(TcpPeers.REFUSE, pipes, Outside.Sockets.REFUSE), work)
        .stream().filter(row -> row.kind().equals("file.outsidepipe"))).hasSize(2).allSatisfy(row -> assertThat(
            row.detail()).containsPattern("held by task \\d+ \\(outsidepipe").contains(
                pipes == Outside.Pipes.NULL ? "/dev/null" : "the restorer's standard"));
  }

  @ParameterizedTest
  @EnumSource(names = "REFUSE", mode = EnumSource.Mode.EXCLUDE)
  void aClientOfAServerOutsideIsHungUpOrConnectedAgain(Outside.Sockets sockets, @TempDir Path work) {
    String mode = sockets == Outside.Sockets.DISCONNECT ? "disconnect" : "reconnect";

    assertThat(carried("outsideunix", mode, new Outside(TcpPeers.REFUSE, Outside.Pipes.REFUSE, sockets), work)
        .stream().filter(row -> row.kind().equals("file.outsideunix"))).singleElement().extracting(LossRow::detail)
        .asString().containsPattern("held by task \\d+ \\(outsideunix");
  }

  @ParameterizedTest
  @ValueSource(strings = {"outsidepipe", "outsideunix"})
  void withoutSuchAWordItIsRefusedWithTheNameOfWhoHasTheOther(String kind, @TempDir Path work) {
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = cycle.start(victims.ofKind("file", kind));
      victim.awaitReady("refused", Cycle.BOUND);

      assertThat(cycle.refuse(victim)).extracting(Obstacle::reason).allSatisfy(
          reason -> assertThat(reason).containsPattern("task \\d+ \\(" + kind));

      victim.go("refused");
      assertThat(victim.verdict(Cycle.BOUND)).isEqualTo(new Victim.Verdict.Passed());
    }
  }
}
