package stasis.cli;

import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import stasis.repository.ImageStream;

/// `--commit-fd`: one line by which the receiving side says that it has the image whole, checked and planned. The
/// sending side ends the program only then.
///
/// @param number an open fd: of a pipe, a FIFO or a terminal
record CommitFd(int number) {
  private static final String LINE = "committed\n";
  private static final long PAUSE_MS = 50;

  private String path() {
    return "/proc/self/fd/" + number;
  }

  /// Sending side: waits for the line.
  ImageStream.Acknowledgement acknowledgement() {
    return idle -> {
      CompletableFuture<String> line = new CompletableFuture<>();
      Thread reader = new Thread(() -> {
        try (InputStream in = new FileInputStream(path())) {
          line.complete(new String(in.readNBytes(LINE.length()), StandardCharsets.US_ASCII));
        } catch (IOException e) {
          line.completeExceptionally(e);
        }
      }, "stasis-commit");
      reader.setDaemon(true);
      reader.start();
      while (true) {
        try {
          return line.get(PAUSE_MS, TimeUnit.MILLISECONDS).equals(LINE);
        } catch (TimeoutException _) {
          idle.run();
        } catch (ExecutionException e) {
          throw new IOException(e.getCause());
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new IOException("interrupted", e);
        }
      }
    };
  }

  /// Receiving side: says the line.
  void say() throws IOException {
    try (OutputStream out = new FileOutputStream(path())) {
      out.write(LINE.getBytes(StandardCharsets.US_ASCII));
    }
  }
}
