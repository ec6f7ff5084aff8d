package stasis.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.cli.Engine.Judged;
import stasis.cli.Engine.Outcome;
import stasis.engine.HostReport;

final class CanRestoreVerbTest {
  private final FakeEngine engine = new FakeEngine();
  @TempDir private Path temp = Path.of("");

  private CommandLineRun run(String... words) {
    return CommandLineRun.of(engine, words);
  }

  @Test
  void yesIsAWordAndAStatus() {
    CommandLineRun run = run("can-restore", "/i");
    assertThat(run.status()).isZero();
    assertThat(run.out()).isEqualTo("yes\n");
    assertThat(run("can-restore", "/i", "--json").out()).contains("\"outcome\": \"done\"", "\"restorable\": true",
        "\"file /bin/sleep\"");
  }

  @Test
  void whatItWouldTakeIsSaidBesides() {
    engine.judged = new Outcome.Done<>(new Judged(List.of(), List.of(), List.of(), List.of("in place: far")));
    CommandLineRun run = run("can-restore", "/i", "--in-place");
    assertThat(run.out()).isEqualTo("yes\n");
    assertThat(run.err()).contains("in place: far");
    assertThat(run("can-restore", "/i", "--json").out()).contains("\"in place: far\"");
    assertThat(run("can-restore", "/i", "--in-place", "--host", "h").err()).contains("--host of another");
  }

  @Test
  void noNamesEveryObstacle() {
    engine.judged = new Outcome.Done<>(new Judged(List.of(FakeEngine.REFUSED), List.of(), List.of(), List.of()));
    CommandLineRun run = run("can-restore", "/i");
    assertThat(run.status()).isEqualTo(3);
    assertThat(run.out()).isEmpty();
    assertThat(run.err()).contains("no, 1 obstacle", "nobody knows it");
    assertThat(run("can-restore", "/i", "--json").out()).contains("\"outcome\": \"refused\"", "\"restorable\": false");
  }

  @Test
  void aReportThatSaysTooLittleGivesNoVerdict() throws IOException {
    engine.judged = new Outcome.Done<>(new Judged(List.of(FakeEngine.REFUSED), List.of("pid 1"),
        List.of("pid 1"), List.of()));
    Path host = Files.writeString(temp.resolve("host.json"), "{\"host\": {\"xfeatures\": \"e7\"}}");
    CommandLineRun run = run("can-restore", "/i", "--host", host.toString(), "--json");
    assertThat(run.status()).isEqualTo(3);
    assertThat(run.out()).contains("\"outcome\": \"unknown\"", "\"losses\": []");
    assertThat(run.err()).contains("says nothing of 1 thing", "\"pid 1\"").doesNotContain("nobody knows it");
  }

  @Test
  void anotherHostAnswersWhatWasAskedHere() throws IOException {
    Path questions = temp.resolve("questions.json");
    Path host = temp.resolve("host.json");
    assertThat(run("can-restore", "/i", "--json=" + questions).status()).isZero();
    assertThat(run("doctor", "--answer", questions.toString(), "--json=" + host).status()).isZero();
    assertThat(engine.orders).contains(List.of("file /bin/sleep", "xfeatures"));

    assertThat(run("can-restore", "/i", "--host", host.toString()).status()).isZero();

    assertThat(engine.orders.getLast()).isEqualTo(new HostReport(new TreeMap<>(
        Map.of("xfeatures", "asked", "file /bin/sleep", "asked"))));
  }

  @Test
  void filesThatAreNoReportsAreSaidInOneSentence() throws IOException {
    for (String text : List.of("", "[]", "{\"a\": 1}", "{\"host\": {\"a\": 1}}", "{\"host\": {\"a\"", "\u0000\u0001")) {
      Path file = Files.writeString(temp.resolve("file"), text);
      CommandLineRun run = run("can-restore", "/i", "--host", file.toString());
      assertThat(run.status()).as(text).isEqualTo(4);
      assertThat(run.err().lines()).as(text).hasSize(1);
    }
    CommandLineRun missing = run("can-restore", "/i", "--host", temp.resolve("none").toString());
    assertThat(missing.status()).isEqualTo(4);
    assertThat(missing.err()).contains("does not exist");
    assertThat(run("doctor", "--answer", temp.resolve("none").toString()).status()).isEqualTo(4);
  }
}
