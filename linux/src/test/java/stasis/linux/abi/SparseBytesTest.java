package stasis.linux.abi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class SparseBytesTest {
  private static Bytes random(Random random, int length, double zeros) {
    byte[] content = new byte[length];
    for (int at = 0; at < length;) {
      boolean zero = random.nextDouble() < zeros;
      int end = Math.min(length, at + 1 + random.nextInt(40));
      for (; at < end; at++) {
        content[at] = zero ? 0 : (byte) random.nextInt(256);
      }
    }
    return Bytes.of(content);
  }

  @Test
  void whatIsPackedComesBackBitForBit() {
    var random = new Random(7);
    for (int i = 0; i < 2000; i++) {
      Bytes whole = random(random, random.nextInt(700), random.nextDouble());
      SparseBytes sparse = SparseBytes.of(whole);
      assertThat(sparse.whole()).isEqualTo(whole);
      assertThat(sparse.length()).isEqualTo(whole.length());
      assertThat(new SparseBytes(sparse.packed())).isEqualTo(SparseBytes.of(whole));
      for (int at = 0; at + 8 <= whole.length(); at += 5) {
        assertThat(sparse.u64(at)).isEqualTo(whole.u64(at));
      }
    }
  }

  @Test
  void zerosTakeNoRoom() {
    assertThat(SparseBytes.of(Bytes.zeros(11_008)).packed().length()).isLessThanOrEqualTo(3);
    assertThat(SparseBytes.of(Bytes.zeros(11_008).withU64(4096, -1)).packed().length()).isLessThanOrEqualTo(16);
  }

  @Test
  void ofAnotherLengthItIsCutOrEndsInZeros() {
    Bytes whole = random(new Random(1), 100, 0.5);
    ByteBuffer longer = ByteBuffer.wrap(random(new Random(2), 9000, 0).toArray());
    SparseBytes.of(whole).copyTo(longer);
    assertThat(Bytes.of(longer)).isEqualTo(whole.concat(Bytes.zeros(8900)));
    ByteBuffer shorter = ByteBuffer.wrap(random(new Random(2), 50, 0).toArray());
    SparseBytes.of(whole).copyTo(shorter);
    assertThat(Bytes.of(shorter)).isEqualTo(whole.slice(0, 50));
  }

  @Test
  void theEndIsNotReadOver() {
    assertThatThrownBy(() -> SparseBytes.of(Bytes.zeros(16)).u64(9)).isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void damageIsRefusedAndNothingIsReadOutside() {
    for (String hex : new String[] {"", "80", "ffffff01", "818004", "0a0b01ff", "0a000b0000", "0a000200", "0a0a01ff",
        "0a0000", "0a0001", "0a000401020304000701020304050607"}) {
      assertThatThrownBy(() -> new SparseBytes(Bytes.hex(hex))).as(hex).isInstanceOf(IllegalArgumentException.class);
    }
    var random = new Random(3);
    byte[] packed = SparseBytes.of(random(random, 300, 0.6)).packed().toArray();
    for (int i = 0; i < 20_000; i++) {
      byte[] damaged = packed.clone();
      damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
      damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
      Bytes bytes = Bytes.of(damaged).slice(0, 1 + random.nextInt(damaged.length));
      try {
        assertThat(new SparseBytes(bytes).whole().length()).isLessThanOrEqualTo(SparseBytes.MAX_BYTES);
      } catch (IllegalArgumentException expected) {
        assertThat(expected.getMessage()).isNotEmpty();
      }
    }
  }
}
