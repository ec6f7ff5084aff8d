package stasis.live;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import stasis.engine.LiveEnvironment;
import stasis.engine.RestoreOutcome;
import stasis.engine.RestoreRequest;
import stasis.engine.Restorer;
import stasis.kinds.Kinds;

/// A lazy restore in a JVM of its own, which can be killed while it serves. Says `runs`, and `filled` or why not.
final class LazyProcess {
  private LazyProcess() {}

  static Process start(Path image) throws IOException {
    return new ProcessBuilder(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-XX:TieredStopAtLevel=1", "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"),
        LazyProcess.class.getName(), image.toString())).redirectErrorStream(true).start();
  }

  public static void main(String[] arguments) throws IOException {
    RestoreOutcome outcome = new Restorer(Kinds.all(), LiveEnvironment.of("test")).restore(
        request(Path.of(arguments[0]), Optional.empty()), _ -> { });
    if (!(outcome instanceof RestoreOutcome.Running running) || running.late().isEmpty()) {
      System.out.println(Cycle.text(outcome));
      System.exit(1);
      return;
    }
    System.out.println("runs");
    System.out.flush();
    System.out.println(running.late().get().await().orElse("filled"));
    System.exit(0);
  }

  static RestoreRequest request(Path image, Optional<Path> order) {
    var whole = new RestoreRequest(image, false);
    return new RestoreRequest(whole.origin(), false, whole.acceptance(),
        Optional.of(new RestoreRequest.Lazily(order)));
  }
}
