package stasis.linux.sys;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/// An array whose pages the kernel takes back.
final class HeapArrayTest {
  private static final int LENGTH_BYTES = 64 << 20;

  @Test
  void itStaysAnArrayOfZeros() throws IOException {
    byte[] zeros = new byte[LENGTH_BYTES];
    long before = residentPages();

    assertThat(HeapArray.giveBack(zeros)).isTrue();

    assertThat(before - residentPages()).isGreaterThan(LENGTH_BYTES / 4096 * 3 / 4);
    zeros[LENGTH_BYTES / 2] = 7;
    byte[] expected = new byte[LENGTH_BYTES];
    expected[LENGTH_BYTES / 2] = 7;
    assertThat(Arrays.mismatch(zeros, expected)).isEqualTo(-1);
  }

  @Test
  void oneThatMayHaveNoWholePageIsLeftAlone() {
    byte[] zeros = new byte[8191];

    assertThat(HeapArray.giveBack(zeros)).isFalse();
    assertThat(zeros).containsOnly(0);
  }

  private static long residentPages() throws IOException {
    return Long.parseLong(Files.readString(Path.of("/proc/self/statm")).split(" ")[1]);
  }
}
