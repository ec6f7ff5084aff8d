package stasis.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.cli.Engine.Outcome;
import stasis.cli.Engine.RestoreOrder;
import stasis.engine.FilePolicy;
import stasis.kinds.AddressMap;

final class RestoreVerbTest {
  private final FakeEngine engine = new FakeEngine();

  @Test
  void attachedItEndsAsTheProgramEnds() {
    CommandLineRun run = CommandLineRun.of(engine, "restore", "/i");

    assertThat(run.status()).isEqualTo(3);
    assertThat(engine.orders).containsExactly(new RestoreOrder(new ImageAt.Folder(Path.of("/i")), false, false,
        AddressMap.NONE));
    assertThat(run.out()).isEmpty();
  }

  @Test
  void attachedItHandsSignalsOnAndDetachedItDoesNot() {
    CommandLineRun.of(engine, "restore", "/i");
    assertThat(engine.signals).containsExactly(15);

    CommandLineRun.of(engine, "restore", "/i", "--detach");
    assertThat(engine.signals).containsExactly(15);
  }

  @Test
  void detachedItPrintsThePidAndIsDone() {
    CommandLineRun run = CommandLineRun.of(engine, "restore", "--image", "/i", "--detach");

    assertThat(run.status()).isZero();
    assertThat(run.out()).isEqualTo("4711\n");
    assertThat(engine.orders).containsExactly(new RestoreOrder(new ImageAt.Folder(Path.of("/i")), true, false,
        AddressMap.NONE));
  }

  @Test
  void thePidfileHoldsThePid(@TempDir Path folder) throws IOException {
    CommandLineRun.of(engine, "restore", "/i", "--detach", "--pidfile", folder.resolve("pid").toString());

    assertThat(folder.resolve("pid")).hasContent("4711");
    assertThat(Files.readString(folder.resolve("pid"))).endsWith("\n");
  }

  @Test
  void aPidfileThatCannotBeWrittenDoesNotDisownTheProgram(@TempDir Path folder) {
    CommandLineRun run = CommandLineRun.of(engine, "restore", "/i", "--pidfile", folder.resolve("no/pid").toString());

    assertThat(run.status()).isEqualTo(3);
    assertThat(run.err()).contains("4711 runs, but ");
  }

  @Test
  void jsonHasRestoreTimeAndPid() {
    CommandLineRun run = CommandLineRun.of(engine, "restore", "/i", "--detach", "--json");

    assertThat(run.out()).startsWith("{\n  \"outcome\": \"done\",\n  \"restore_ms\": 7.000,\n  \"pid\": 4711,\n")
        .contains("\"phases\"", "\"losses\"");
  }

  @Test
  void aDryRunPrintsTheProgramAndRunsNothing() {
    CommandLineRun run = CommandLineRun.of(engine, "restore", "/i", "--dry-run");

    assertThat(run.status()).isZero();
    assertThat(run.out()).isEqualTo("%0 = [1] dup(3)\n");
    assertThat(engine.orders).containsExactly(new ImageAt.Folder(Path.of("/i")));
  }

  @Test
  void failuresHaveNumbersNoProgramUses() {
    engine.restore = new Outcome.Failed<>("pid 4711 is taken");
    CommandLineRun failed = CommandLineRun.of(engine, "restore", "/i");
    engine.restore = new Outcome.Refused<>(List.of(FakeEngine.REFUSED));
    CommandLineRun refused = CommandLineRun.of(engine, "restore", "/i");
    engine.restore = new Outcome.Cancelled<>();
    CommandLineRun cancelled = CommandLineRun.of(engine, "restore", "/i");

    assertThat(failed.status()).isEqualTo(125);
    assertThat(refused.status()).isEqualTo(126);
    assertThat(cancelled.status()).isEqualTo(125);
  }

  @Test
  void usageErrorsAre125BecauseTwoMayBeTheProgramsOwn() {
    assertThat(CommandLineRun.of(engine, "restore").status()).isEqualTo(125);
    assertThat(CommandLineRun.of(engine, "restore", "/i", "--image", "/j").status()).isEqualTo(125);
    assertThat(CommandLineRun.of(engine, "restore", "/i", "--bogus").status()).isEqualTo(125);
  }

  @Test
  void whatMayBeDoneToFilesIsSaidInOneWord() {
    for (String word : new String[] {"refuse", "restore-missing", "rollback"}) {
      CommandLineRun.of(engine, "restore", "/i", "--files=" + word);
    }

    assertThat(engine.orders).extracting(order -> ((RestoreOrder) order).files()).containsExactly(FilePolicy.REFUSE,
        FilePolicy.RESTORE_MISSING, FilePolicy.ROLLBACK);
    assertThat(CommandLineRun.of(engine, "restore", "/i", "--files=all").status()).isEqualTo(125);
  }
}
