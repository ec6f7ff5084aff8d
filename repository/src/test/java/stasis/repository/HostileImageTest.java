package stasis.repository;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.linux.abi.Bytes;

/// Whatever the file is: an image, or an ImageException whose sentence says what is wrong. Nothing else is thrown.
class HostileImageTest {
  @TempDir
  private Path temp;

  /// Metadata, two chunks of pages, one of them short: 1.01 MiB.
  private byte[] good() throws Exception {
    Path folder = temp.resolve("good");
    try (ImageWriter writer = ImageStore.create(folder, false)) {
      writer.writeMetadata(Bytes.hex("0102030405"), Layout.CHUNK_BYTES + 4096);
      writer.pages().write(ByteBuffer.allocate(Layout.CHUNK_BYTES + 4096));
      writer.commit(_ -> { });
    }
    return Files.readAllBytes(folder.resolve(ImageStore.STATEFILE));
  }

  /// @return the refusal, or empty text
  private static String refusal(Path image, boolean pages) {
    try (ImageReader reader = ImageReader.open(image)) {
      reader.metadata();
      if (pages) {
        reader.verifyPages(1);
      }
      return "";
    } catch (ImageException e) {
      assertThat(e.getMessage()).contains(image.toString()).contains("; ");
      return e.getMessage();
    }
  }

  private Path file(byte[] content) throws IOException {
    return Files.write(temp.resolve("changed"), content);
  }

  @Test
  void everyChangedByteOutsideThePagesIsRefusedByOpen() throws Exception {
    byte[] good = good();
    Path file = file(good);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      for (int at = 0; at < good.length; at = at == Layout.ALIGNMENT_BYTES - 1 ? good.length - 88 : at + 1) {
        channel.write(ByteBuffer.wrap(new byte[] {(byte) (good[at] ^ (1 << (at % 8)))}), at);
        assertThat(refusal(file, false)).as("byte %d", at).isNotEmpty();
        channel.write(ByteBuffer.wrap(good, at, 1), at);
      }
    }
    assertThat(refusal(file, true)).isEmpty();
  }

  @Test
  void everyChangedPageIsFoundByVerifyPages() throws Exception {
    byte[] good = good();
    Path file = file(good);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      for (int at = 4096; at < good.length - 88; at += 65_521) {
        channel.write(ByteBuffer.wrap(new byte[] {1}), at);
        assertThat(refusal(file, false)).isEmpty();
        assertThat(refusal(file, true)).contains("has damaged pages at bytes "
            + (at < 4096 + Layout.CHUNK_BYTES ? "4096 to 1052672" : "1052672 to 1056768"));
        channel.write(ByteBuffer.wrap(good, at, 1), at);
      }
    }
  }

  @Test
  void everyTruncationIsRefused() throws Exception {
    byte[] good = good();
    Path file = file(good);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      for (int length = good.length - 1; length >= 0; length -= length < 4200 || length > good.length - 99 ? 1 : 4099) {
        channel.truncate(length);
        assertThat(refusal(file, false))
            .contains(length < Layout.PREAMBLE_BYTES ? "is not a Stasis image" : "is cut short: " + length);
      }
    }
  }

  @Test
  void bytesAfterTheEndAreRefused() throws Exception {
    byte[] good = good();

    assertThat(refusal(file(Arrays.copyOf(good, good.length + 3)), false)).contains("has 3 bytes too many");
  }

  @Test
  void aNewerVersionAndUnknownFeaturesSaySo() throws Exception {
    byte[] good = good();

    assertThat(refusal(file(resealed(good, 8, 2)), false)).contains("has format version 2 with features 0x0")
        .contains("restore it with the Stasis that wrote it, or a newer one");
    assertThat(refusal(file(resealed(good, 16, 4)), false)).contains("with features 0x4");
    assertThat(refusal(file(resealed(good, 24, 4)), false)).contains("SHA-256"); // optional: not refused for itself
  }

  @Test
  void lengthsThatLieUnderAValidSealAreRefused() throws Exception {
    byte[] good = good();

    for (int at : new int[] {32, 36, 40, 44, 48, 52, 12}) {
      assertThat(refusal(file(resealed(good, at, 0x7fff_f000)), false)).isNotEmpty();
      assertThat(refusal(file(resealed(good, at, -4096)), false)).isNotEmpty();
    }
  }

  /// With one int changed and the preamble's CRC made to fit, as an attacker would.
  private static byte[] resealed(byte[] good, int at, int value) {
    byte[] changed = good.clone();
    ByteBuffer preamble = ByteBuffer.wrap(changed, 0, Layout.PREAMBLE_BYTES).slice().order(ByteOrder.LITTLE_ENDIAN);
    preamble.putInt(at, value);
    preamble.putInt(Layout.PREAMBLE_BYTES - 4, Layout.crc(preamble.slice(0, Layout.PREAMBLE_BYTES - 4)));
    return changed;
  }

  @Test
  void whatIsNoImageIsSaidToBeNone() throws Exception {
    assertThatThrownBy(() -> ImageReader.open(temp)).hasMessageStartingWith(temp + " holds no image; ");
    assertThatThrownBy(() -> ImageReader.open(temp.resolve("gone"))).hasMessage("there is no " + temp
        + "/gone; check the path");
    assertThat(refusal(Path.of("/dev/null"), false)).contains("/dev/null is not a Stasis image");
    assertThat(refusal(file(new byte[10_000]), false)).contains("is not a Stasis image");
    Files.createDirectory(temp.resolve(ImageStore.STATEFILE));
    assertThatThrownBy(() -> ImageReader.open(temp)).hasMessageContaining("is not a Stasis image");
  }

  @FuzzTest(maxDuration = "60s")
  void fuzz(byte[] content) throws IOException {
    Path file = Files.createTempFile("stasis", "fuzz");
    try {
      refusal(Files.write(file, content), true);
    } finally {
      Files.delete(file);
    }
  }
}
