package stasis.loops;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/// What /proc says of this process.
final class Own {
  private Own() {}

  static String text(String file) {
    try {
      return Files.readString(Path.of("/proc/self", file), StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
