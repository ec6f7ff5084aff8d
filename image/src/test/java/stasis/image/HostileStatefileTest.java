package stasis.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import stasis.linux.abi.Bytes;

/// Whatever the bytes are: a statefile, or a DecodeException. Nothing else is thrown, and it ends.
class HostileStatefileTest {
  private static final long SECTION = 1L << 40;

  /// @return what was read, if the bytes were a statefile
  private static Optional<Statefile> read(byte[] metadata) {
    try {
      return Optional.of(Statefile.decode(Bytes.of(metadata), SECTION, Limits.DEFAULT));
    } catch (DecodeException e) {
      assertThat(e).hasMessageStartingWith("statefile v2");
      return Optional.empty();
    }
  }

  /// What was accepted can be written, read again and printed.
  private static void assertSound(Statefile statefile) throws DecodeException {
    Bytes encoded = statefile.encode();
    assertThat(Statefile.decode(encoded, SECTION, Limits.DEFAULT)).isEqualTo(statefile);
    assertThat(statefile.show()).isNotEmpty();
  }

  @Test
  void everyChangedByteIsRefusedOrHarmless() {
    byte[] good = Samples.statefile(1).encode().toArray();
    Assertions.assertTimeoutPreemptively(Duration.ofMinutes(2), () -> {
      int refused = 0;
      int tried = 0;
      for (int at = 0; at < good.length; at++) {
        for (int change : new int[] {1 << (at % 8), 0xff}) {
          byte[] changed = good.clone();
          changed[at] ^= (byte) change;
          Optional<Statefile> read = read(changed);
          if (read.isPresent()) {
            assertSound(read.get());
          } else {
            refused++;
          }
          tried++;
        }
      }
      assertThat(refused).isGreaterThan(tried / 4).isLessThan(tried);
    });
  }

  @Test
  void everyTruncationIsRefusedOrHarmless() throws Exception {
    byte[] good = Samples.statefile(1).encode().toArray();
    for (int length = 0; length < good.length; length++) {
      Optional<Statefile> read = read(Arrays.copyOf(good, length));
      if (read.isPresent()) {
        assertSound(read.get()); // cut between two page maps
      }
    }
  }

  @Test
  void statefilesWithManyRandomChangesAreRefusedOrHarmless() throws Exception {
    byte[] good = Samples.statefile(1).encode().toArray();
    Random random = new Random(42);
    for (int round = 0; round < 1_000; round++) {
      byte[] changed = good.clone();
      for (int i = random.nextInt(4); i >= 0; i--) {
        int at = random.nextInt(changed.length);
        int length = Math.min(random.nextInt(8), changed.length - at);
        System.arraycopy(good, random.nextInt(good.length - length), changed, at, length);
      }
      Optional<Statefile> read = read(changed);
      if (read.isPresent()) {
        assertSound(read.get());
      }
    }
  }

  @Test
  void aLengthThatLiesAllocatesNothing() {
    // field 3 with 2 GiB of content that is not there
    assertThatThrownBy(() -> Statefile.decode(Bytes.hex("1affffffff07"), SECTION, Limits.DEFAULT))
        .isInstanceOf(DecodeException.class).hasMessageContaining("field objects");
  }

  @Test
  void aBombOfEmptyElementsIsBounded() {
    byte[] bomb = new byte[4_000_000];
    for (int i = 0; i < bomb.length; i += 2) {
      bomb[i] = 0x2a; // field 5, an empty page map
    }

    assertThatThrownBy(() -> Statefile.decode(Bytes.of(bomb), SECTION, new Limits(bomb.length, 8, 1000)))
        .isInstanceOf(DecodeException.class);
  }

  @FuzzTest(maxDuration = "60s")
  void fuzz(byte[] metadata) throws Exception {
    Optional<Statefile> read = read(metadata);
    if (read.isPresent()) {
      assertSound(read.get());
    }
  }
}
