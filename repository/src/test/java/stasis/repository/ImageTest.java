package stasis.repository;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.linux.abi.Bytes;

class ImageTest {
  private static final Bytes METADATA = Bytes.of("what was".getBytes(StandardCharsets.US_ASCII));

  @TempDir
  private Path temp;

  private static byte[] random(int lengthBytes) {
    byte[] content = new byte[lengthBytes];
    new Random(7).nextBytes(content);
    return content;
  }

  private static void write(Path folder, boolean force, Bytes metadata, byte[] pages) throws ImageException {
    try (ImageWriter writer = ImageStore.create(folder, force)) {
      writer.writeMetadata(metadata, pages.length);
      writer.pages().write(ByteBuffer.wrap(pages));
      writer.commit(_ -> { });
    }
  }

  private static List<String> names(Path folder) throws IOException {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void metadataAndPagesComeBack() throws Exception {
    byte[] pages = random(3 * Layout.CHUNK_BYTES + 4096);
    Path folder = temp.resolve("image");

    write(folder, false, METADATA, pages);

    try (ImageReader image = ImageReader.open(folder)) {
      ByteBuffer read = ByteBuffer.allocate(pages.length);
      image.readPages(0, read);
      image.verifyPages(3);
      assertThat(image.metadata()).isEqualTo(METADATA);
      assertThat(read.array()).isEqualTo(pages);
      assertThat(image.pageOffset() % 4096).isZero();
      assertThat(Files.size(image.pageFile())).isEqualTo(image.fileBytes());
    }
    assertThat(names(folder)).containsExactly("statefile");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve("statefile"))))
        .isEqualTo("rw-------");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder))).isEqualTo("rwx------");
  }

  @Test
  void pagesComeFromMemoryOutsideTheHeapInPiecesOfAnySize() throws Exception {
    byte[] pages = random(2 * Layout.CHUNK_BYTES + 8192);
    int[] pieces = {1, 4095, 300_000, 4096, 1_000_000};
    try (Arena arena = Arena.ofConfined(); ImageWriter writer = ImageStore.create(temp, false)) {
      MemorySegment memory = arena.allocate(pages.length).copyFrom(MemorySegment.ofArray(pages));
      writer.writeMetadata(METADATA, pages.length);
      long done = 0;
      for (int i = 0; done < pages.length; i++) {
        long piece = Math.min(pieces[i % pieces.length], pages.length - done);
        writer.pages().write(memory.asSlice(done, piece));
        done += piece;
      }
      writer.commit(written -> written.verifyPages(1));
    }

    try (ImageReader image = ImageReader.open(temp)) {
      ByteBuffer read = ByteBuffer.allocate(pages.length);
      image.readPages(0, read);
      assertThat(read.array()).isEqualTo(pages);
    }
  }

  @Test
  void aRunThatEndsInsideAPageIsPadded() throws Exception {
    try (ImageWriter writer = ImageStore.create(temp, false)) {
      writer.writeMetadata(METADATA, 8192);
      writer.pages().write(ByteBuffer.wrap(random(100)));
      writer.pages().pad();
      assertThat(writer.pages().position()).isEqualTo(4096);
      writer.pages().write(ByteBuffer.wrap(random(4096)));
      writer.pages().pad();
      assertThat(writer.pages().position()).isEqualTo(8192);
      writer.commit(_ -> { });
    }
  }

  @Test
  void anImageWithoutPagesIsAnImage() throws Exception {
    write(temp, false, Bytes.EMPTY, new byte[0]);

    try (ImageReader image = ImageReader.open(temp)) {
      image.verifyPages(2);
      assertThat(image.metadata()).isEqualTo(Bytes.EMPTY);
    }
  }

  @Test
  void nothingIsLeftOfAWriterThatDidNotCommit() throws Exception {
    Path folder = temp.resolve("image");
    try (ImageWriter writer = ImageStore.create(folder, false)) {
      writer.writeMetadata(METADATA, 4096);
      assertThat(ImageStore.holdsImage(folder)).isFalse();
      assertThatThrownBy(() -> ImageReader.open(folder)).isInstanceOf(ImageException.class)
          .hasMessage(folder + " holds no image: its checkpoint was interrupted; give the folder that "
              + "`stasis checkpoint --image` wrote");
    }

    assertThat(folder).doesNotExist();
  }

  @Test
  void anImageThatFailsItsExaminationNeverAppears() throws Exception {
    try (ImageWriter writer = ImageStore.create(temp, false)) {
      writer.writeMetadata(METADATA, 0);
      assertThatThrownBy(() -> writer.commit(_ -> {
        throw new IOException("cannot be planned");
      })).isInstanceOf(IOException.class).hasMessage("cannot be planned");
    }

    assertThat(names(temp)).isEmpty();
  }

  @Test
  void anImageIsReplacedOnlyByForceAndOnlyByAWholeOne() throws Exception {
    write(temp, false, METADATA, random(4096));
    assertThatThrownBy(() -> ImageStore.create(temp, false)).isInstanceOf(ImageException.class)
        .hasMessage(temp + " already holds an image; choose another folder, or replace it with --force");

    try (ImageWriter writer = ImageStore.create(temp, true)) {
      writer.writeMetadata(Bytes.EMPTY, 0);
    }
    try (ImageReader image = ImageReader.open(temp)) {
      assertThat(image.metadata()).isEqualTo(METADATA);
    }

    write(temp, true, Bytes.zeros(3), new byte[0]);
    try (ImageReader image = ImageReader.open(temp)) {
      assertThat(image.metadata()).isEqualTo(Bytes.zeros(3));
    }
  }

  @Test
  void twoWritersInOneFolderExcludeEachOther() throws Exception {
    try (ImageWriter _ = ImageStore.create(temp, false)) {
      assertThatThrownBy(() -> ImageStore.create(temp, true)).isInstanceOf(ImageException.class)
          .hasMessageContaining("another checkpoint is being written to " + temp);
    }
    write(temp, false, METADATA, new byte[0]);
  }

  @Test
  void aWriterWhoseThreadIsInterruptedSaysSoAndLeavesNothing() throws Exception {
    try (ImageWriter writer = ImageStore.create(temp, false)) {
      writer.writeMetadata(METADATA, 4096);
      Thread.currentThread().interrupt();
      assertThatThrownBy(() -> writer.pages().write(ByteBuffer.allocate(4096))).isInstanceOf(ImageException.class)
          .hasMessage("cannot write pages in " + temp + ": cancelled; run it again");
      assertThat(Thread.interrupted()).isTrue();
    }

    assertThat(names(temp)).isEmpty();
  }

  @Test
  void pagesMustBeAsManyAsAnnounced() throws Exception {
    try (ImageWriter writer = ImageStore.create(temp, false)) {
      writer.writeMetadata(METADATA, 4096);
      assertThatThrownBy(() -> writer.commit(_ -> { })).isInstanceOf(IllegalStateException.class)
          .hasMessage("0 bytes of pages written of 4096 announced");
      assertThatThrownBy(() -> writer.pages().write(ByteBuffer.allocate(4097)))
          .isInstanceOf(IllegalStateException.class);
    }
  }
}
