package stasis.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/// A command run to its end.
///
/// @param wallNs from before fork(2) to after wait(2)
record Command(String stdout, long wallNs) {
  static Command run(List<String> words) throws IOException, InterruptedException {
    long start = System.nanoTime();
    Process process = new ProcessBuilder(words)
        .redirectInput(ProcessBuilder.Redirect.from(new java.io.File("/dev/null")))
        .redirectError(ProcessBuilder.Redirect.INHERIT).start();
    String stdout = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    int status = process.waitFor();
    long wallNs = System.nanoTime() - start;
    if (status != 0) {
      throw new IOException(words + " ended with " + status + ": " + stdout);
    }
    return new Command(stdout, wallNs);
  }
}
