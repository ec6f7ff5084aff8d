package stasis.kinds.fake;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/// Text that must not change unseen, in a file beside its test. `-Dstasis.goldens=write` writes it anew.
public final class Golden {
  private Golden() {}

  /// @param test whose folder holds the file
  public static void check(Class<?> test, String name, String text) {
    Path file = Path.of("src/test/java", test.getPackageName().replace('.', '/'), name);
    try {
      if ("write".equals(System.getProperty("stasis.goldens"))) {
        Files.writeString(file, text, StandardCharsets.UTF_8);
      }
      assertThat(text).as(file.toString()).isEqualTo(Files.readString(file, StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
