package stasis.live;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.UUID;

/// A Java program with state: a token made at its start, and a count that only grows.
final class FreshUserWork {
  private FreshUserWork() {}

  public static void main(String[] arguments) throws IOException, InterruptedException {
    UUID token = UUID.randomUUID();
    for (long count = 0;; count++) {
      Path next = Path.of("java.next");
      Files.writeString(next, ProcessHandle.current().pid() + " " + token + " " + count);
      Files.move(next, Path.of("java.txt"), StandardCopyOption.ATOMIC_MOVE);
      Thread.sleep(10);
    }
  }
}
