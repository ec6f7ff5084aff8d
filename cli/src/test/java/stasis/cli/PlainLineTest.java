package stasis.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.OutputStream;
import java.io.PrintStream;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class PlainLineTest {
  private static final Console MUTE = new Console(new PrintStream(OutputStream.nullOutputStream()),
      new PrintStream(OutputStream.nullOutputStream()), false, false);

  private static Session session(FakeEngine engine) {
    return new Session(MUTE, engine, new Cancellation(), _ -> {});
  }

  private static List<Object> ordersOf(String line, boolean plain) throws Exception {
    FakeEngine engine = new FakeEngine();
    if (plain) {
      PlainLine.of(line.split(" ")).orElseThrow().request(session(engine)).orElseThrow().call();
    } else {
      new CommandTree(session(engine)).run(line.split(" "));
    }
    return List.copyOf(engine.orders);
  }

  @ParameterizedTest
  @ValueSource(strings = {"checkpoint 7 --image i", "checkpoint --image=/i/../j 7 --leave-running --json --quiet",
      "checkpoint 7 -q --image /i --strict --force --max-freeze 20", "checkpoint --json 7 --image /i -v --max-freeze=9",
      "restore /i", "checkpoint 7 --repo r --name a.b-1", "checkpoint 7 --name=n --repo=/r -q", "restore n@3 --repo r",
      "restore --repo=/r n", "restore n@golden --repo r --detach", "restore --image /i --detach",
      "restore --json --detach /i -q", "restore i --dry-run", "restore i --lazy",
      "checkpoint 7 --repo r --name n --track --leave-running", "checkpoint 7 --repo r --name n --pre-copy",
      "checkpoint 7 --pre-copy --repo r --name n --leave-running", "checkpoint --pre-copy=3 7 --repo=r --name n"})
  void itMeansWhatPicocliReads(String line) throws Exception {
    assertThat(ordersOf(line, true)).isNotEmpty().isEqualTo(ordersOf(line, false));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "checkpoint", "checkpoint 7", "checkpoint --image i", "checkpoint 0 --image i",
      "checkpoint seven --image i", "checkpoint 7 8 --image i", "checkpoint 7 --image i --image j",
      "checkpoint 7 --image i --bogus", "checkpoint 7 --image --force", "checkpoint 7 --image",
      "checkpoint 7 --image i --force=true", "checkpoint 7 --image i --max-freeze -1", "checkpoint 7 --image @i",
      "checkpoint 7 --image i --", "checkpoint --help", "checkpoint 99999999999 --image i", "checkpoint 7 --image=",
      "checkpoint 7 --repo r", "checkpoint 7 --name n", "checkpoint 7 --image i --track",
      "checkpoint 7 --image i --repo r --name n", "checkpoint 7 --repo r --name n@1",
      "checkpoint 7 --repo r --name ../x", "checkpoint 7 --image i --pre-copy",
      "checkpoint 7 --repo r --name n --pre-copy=0", "checkpoint 7 --repo r --name n --pre-copy=",
      "checkpoint 7 --repo r --name n --pre-copy --track", "checkpoint --pre-copy 7 --repo r --name n",
      "restore a/b --repo r", "restore --image i --repo r",
      "restore", "restore i --image j", "restore i j", "restore i --detach --detach", "restore @i", "restore \"i\"",
      "restore i --pidfile", "restore -qv i", "inspect i", "explain 7", "--version"})
  void whatIsNotPlainIsLeftToPicocli(String line) {
    assertThat(PlainLine.of(line.split(" ")).flatMap(plain -> plain.request(session(new FakeEngine())))).isEmpty();
  }
}
