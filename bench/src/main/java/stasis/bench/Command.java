package stasis.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// A command run to its end.
///
/// @param wallNs from before fork(2) to after wait(2)
record Command(String stdout, long wallNs) {
  static Command run(List<String> words) throws IOException, InterruptedException {
    Path stdout = Files.createTempFile("stasis-bench", ".out");
    try {
      Command ran = run(words, stdout);
      return new Command(Files.readString(stdout, StandardCharsets.UTF_8), ran.wallNs());
    } finally {
      Files.delete(stdout);
    }
  }

  /// @param stdout the file for its output
  static Command run(List<String> words, Path stdout) throws IOException, InterruptedException {
    long start = System.nanoTime();
    Process process = new ProcessBuilder(words)
        .redirectInput(ProcessBuilder.Redirect.from(new java.io.File("/dev/null")))
        .redirectOutput(stdout.toFile()).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    int status = process.waitFor();
    long wallNs = System.nanoTime() - start;
    if (status != 0) {
      throw new IOException(words + " ended with " + status + "; its output is in " + stdout);
    }
    return new Command("", wallNs);
  }
}
