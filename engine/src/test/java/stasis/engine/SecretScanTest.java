package stasis.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import stasis.linux.abi.Bytes;

/// However a stream is cut into parts, the same of it is wiped.
final class SecretScanTest {
  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  private static String wiped(String text, List<String> patterns, List<String> variables, Random cuts) {
    SecretScan scan = new SecretScan(patterns.stream().map(pattern -> Bytes.of(bytes(pattern))).toList(), variables);
    Marks marks = new Marks();
    byte[] all = bytes(text);
    StringBuilder out = new StringBuilder();
    int at = 0;
    for (int taken = 0; taken < all.length;) {
      taken = Math.min(all.length, taken + 1 + cuts.nextInt(30));
      byte[] part = Arrays.copyOfRange(all, at, taken);
      scan.scan(part, part.length, at, marks);
      int done = taken == all.length ? part.length : Math.max(0, part.length - scan.overlapBytes());
      marks.wipe(part, at, done);
      out.append(new String(part, 0, done, StandardCharsets.ISO_8859_1));
      at += done;
    }
    return out.toString().replace('\0', '.');
  }

  @Test
  void patternsAndValuesAreWipedWhereverAPartEnds() {
    String text = "xxsecretxx\0TOKEN=abcdefghijklmnopqrstuvwxyz0123456789\0MYTOKEN=kept\0TOKEN=\0secrecret secret";
    for (int seed = 0; seed < 300; seed++) {
      assertThat(wiped(text, List.of("secret", "cret s"), List.of("TOKEN"), new Random(seed))).as("cuts %d", seed)
          .isEqualTo("xx......xx.TOKEN=.....................................MYTOKEN=kept.TOKEN=.secre...........");
    }
  }
}
