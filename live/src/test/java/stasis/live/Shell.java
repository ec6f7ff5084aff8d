package stasis.live;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/// `bin/stasis` as a script runs it, with its output in files of one folder.
///
/// @param environment variables besides
record Shell(Path folder, Map<String, String> environment) {
  static final long RUN_WITHIN_S = 120;

  /// No engine that happens to stay on this host is asked.
  Shell(Path folder) {
    this(folder, Map.of("STASIS_SERVE", "never"));
  }

  record Run(int status, String out, String err) {}

  /// Skips the test where nothing is built to be run.
  static void assumeBuilt() {
    assumeTrue(Files.isDirectory(Repository.root().resolve("cli/target/app/lib")),
        "needs a packaged build, as bin/check makes it");
  }

  Run stasis(String... arguments) throws IOException, InterruptedException {
    return end(start(arguments), arguments);
  }

  Run end(Process process, String... arguments) throws IOException, InterruptedException {
    if (!process.waitFor(RUN_WITHIN_S, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError("stasis " + String.join(" ", arguments) + " hangs");
    }
    return new Run(process.exitValue(), Files.readString(folder.resolve("out")),
        Files.readString(folder.resolve("err")));
  }

  Process start(String... arguments) throws IOException {
    return startBy(List.of(), arguments);
  }

  /// @param wrapper runs the command that follows it
  Process startBy(List<String> wrapper, String... arguments) throws IOException {
    List<String> line = new ArrayList<>(wrapper);
    line.add(Repository.root().resolve("bin/stasis").toString());
    line.addAll(List.of(arguments));
    Files.createDirectories(folder.resolve("tmp"));
    ProcessBuilder builder = new ProcessBuilder(line).redirectInput(Path.of("/dev/null").toFile())
        .redirectOutput(folder.resolve("out").toFile()).redirectError(folder.resolve("err").toFile());
    builder.environment().put("STASIS_BUILD", "never");
    builder.environment().put("STASIS_AOT", "never");
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    builder.environment().put("STASIS_JAVA_OPTIONS", "-Djava.io.tmpdir=" + folder.resolve("tmp"));
    builder.environment().putAll(environment);
    return builder.start();
  }
}
