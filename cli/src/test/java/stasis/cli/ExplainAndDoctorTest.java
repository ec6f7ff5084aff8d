package stasis.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import stasis.cli.Engine.Outcome;
import stasis.linux.abi.Tid;
import stasis.linux.probe.Feature;

final class ExplainAndDoctorTest {
  private final FakeEngine engine = new FakeEngine();

  @Test
  void explainingARefusalIsDone() {
    CommandLineRun run = CommandLineRun.of(engine, "explain", "4711");

    assertThat(run.status()).isZero();
    assertThat(run.out()).contains("nobody knows it; remedy: close it").contains("1 resource exact");
    assertThat(engine.orders).containsExactly(new Tid(4711));
  }

  @Test
  void explainTellsScriptsWhetherItWouldWork() {
    engine.explanation = new Outcome.Done<>(List.of(FakeEngine.EXACT, FakeEngine.APPROXIMATE));

    assertThat(CommandLineRun.of(engine, "explain", "4711", "--json").out()).contains("\"restorable\": true");
  }

  @Test
  void doctorListsEveryFeatureOnce() {
    CommandLineRun table = CommandLineRun.of(engine, "doctor");
    CommandLineRun json = CommandLineRun.of(engine, "doctor", "--json");

    assertThat(table.status()).isZero();
    assertThat(table.out()).contains(Feature.PTRACE.label(), Feature.PAGEMAP_SCAN.label(), "missing");
    assertThat(json.out().lines().filter(line -> line.contains("\"feature\": \"PAGEMAP_SCAN\""))).hasSize(1);
  }

  @Test
  void everyVerbHasHelp() {
    for (String verb : List.of("checkpoint", "restore", "explain", "inspect", "doctor", "demo")) {
      CommandLineRun run = CommandLineRun.of(engine, verb, "--help");

      assertThat(run.status()).as(verb).isZero();
      assertThat(run.out()).as(verb).startsWith("Usage: stasis " + verb);
    }
  }

  @Test
  void rehearsingPrintsNothingAndTouchesNothing() {
    engine.plan = new Outcome.Failed<>("there is no image");

    CommandLineRun run = CommandLineRun.of(engine, "rehearse");

    assertThat(run).isEqualTo(new CommandLineRun(0, "", ""));
  }
}
