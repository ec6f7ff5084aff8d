package stasis.repository;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.linux.abi.Bytes;

final class ImageStreamTest {
  private static final byte[] METADATA = {1, 2, 3};

  @TempDir private Path temp = Path.of("");

  private static byte[] stream(byte[] pages, Optional<ImageStream.Acknowledgement> acknowledgement)
      throws ImageException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (ImageWriter writer = ImageStream.destination(out, acknowledgement).begin(_ -> { })) {
      writer.writeMetadata(Bytes.of(METADATA), pages.length);
      writer.pages().write(ByteBuffer.wrap(pages));
      writer.commit(sent -> assertThat(sent.metadata().toArray()).isEqualTo(METADATA));
    }
    return out.toByteArray();
  }

  private String refusal(byte[] stream) throws IOException {
    try (ImageReader reader = ImageStream.origin(new ByteArrayInputStream(stream), temp).open()) {
      reader.verifyPages(1);
      return "";
    } catch (ImageException e) {
      return e.getMessage();
    } finally {
      try (Stream<Path> left = Files.list(temp)) {
        assertThat(left).isEmpty();
      }
    }
  }

  @Test
  void whatGoesInComesOut() throws Exception {
    byte[] pages = KeptImages.memory(3000, 1);
    byte[] stream = stream(pages, Optional.empty());

    try (ImageReader reader = ImageStream.origin(new ByteArrayInputStream(stream), temp).open()) {
      reader.layOut(2, new java.util.BitSet());
      ByteBuffer read = ByteBuffer.allocate(pages.length);
      reader.readPages(0, read);
      assertThat(read.array()).isEqualTo(pages);
      assertThat(reader.metadata().toArray()).isEqualTo(METADATA);
      assertThat(Files.size(reader.pageFile())).isEqualTo(stream.length);
    }
    assertThat(refusal(stream)).isEmpty();
  }

  @Test
  void aStreamIsAStatefile() throws Exception {
    Path file = Files.write(temp.resolve("statefile"), stream(KeptImages.memory(10, 1), Optional.empty()));

    try (ImageReader reader = ImageReader.open(file)) {
      reader.verifyPages(1);
    }
  }

  @Test
  void aStreamThatWasCutOffIsNoImage() throws Exception {
    byte[] stream = stream(KeptImages.memory(20, 1), Optional.empty());

    for (int length : new int[] {0, 10, 64, 5000, stream.length - 80, stream.length - 1}) {
      assertThat(refusal(Arrays.copyOf(stream, length))).as("%d bytes", length).contains("; ")
          .containsAnyOf("is cut short", "is not a Stasis image");
    }
  }

  @Test
  void whatComesBehindTheImageIsLeftInThePipe() throws Exception {
    byte[] stream = stream(KeptImages.memory(20, 1), Optional.empty());
    ByteArrayInputStream in = new ByteArrayInputStream(Arrays.copyOf(stream, stream.length + 7));

    ImageStream.origin(in, temp).open().close();
    assertThat(in.available()).isEqualTo(7);
  }

  @Test
  void anImageThatFailsItsExaminationHasNoEnd() throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (ImageWriter writer = ImageStream.destination(out, Optional.empty()).begin(_ -> { })) {
      writer.writeMetadata(Bytes.of(METADATA), 4096);
      writer.pages().write(ByteBuffer.allocate(4096));
      assertThatThrownBy(() -> writer.commit(_ -> {
        throw new IOException("cannot be planned");
      })).hasMessage("cannot be planned");
    }

    assertThat(refusal(out.toByteArray())).contains("is cut short");
  }

  @Test
  void theSenderWaitsUntilTheOtherSideHasIt() throws Exception {
    AtomicInteger idle = new AtomicInteger();
    stream(new byte[0], Optional.of(wait -> {
      wait.run();
      return idle.incrementAndGet() == 1;
    }));
    assertThat(idle).hasValue(1);
    assertThatThrownBy(() -> stream(new byte[0], Optional.of(_ -> false))).isInstanceOf(ImageException.class)
        .hasMessageContaining("the other side did not say that it has the image; look there");
  }
}
