package stasis.repository;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import stasis.linux.abi.Bytes;

@Timeout(60)
final class RepositoryTest {
  private static final int PAGE = KeptImages.PAGE;

  @TempDir private Path temp = Path.of("");

  private Path root() {
    return temp.resolve("repo");
  }

  private static long bytesOf(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      long sum = 0;
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        sum += Files.size(file);
      }
      return sum;
    }
  }

  @Test
  void checkpointsComeBackByNumberByNameAndByTag() throws Exception {
    byte[] first = KeptImages.memory(700, 1);
    byte[] second = KeptImages.memory(30, 2);
    KeptImages.write(root(), "redis", KeptImages.metadata(1), first);
    KeptImages.write(root(), "redis", KeptImages.metadata(2), second);

    KeptImages.assertHolds(root(), "redis@1", KeptImages.metadata(1), first);
    KeptImages.assertHolds(root(), "redis@2", KeptImages.metadata(2), second);
    KeptImages.assertHolds(root(), "redis", KeptImages.metadata(2), second);
    assertThat(Files.getPosixFilePermissions(root())).hasSize(3);
    assertThat(root().resolve("unfinished")).isEmptyDirectory();
  }

  @Test
  void whatIsThereAlreadyCostsNothingWhoeverWroteIt() throws Exception {
    byte[] pages = KeptImages.memory(2000, 1);
    long first = KeptImages.write(root(), "a", KeptImages.metadata(1), pages);
    byte[] changed = pages.clone();
    changed[999 * PAGE + 5] ^= 1;
    long same = KeptImages.write(root(), "b", KeptImages.metadata(1), pages);
    long oneChanged = KeptImages.write(root(), "a", KeptImages.metadata(1), changed);

    assertThat(first).isBetween((long) pages.length / 4, (long) pages.length);
    assertThat(same).isZero();
    assertThat(oneChanged).isBetween(1L, 150_000L); // a chunk, and a part of the chunk map
    KeptImages.assertHolds(root(), "a@2", KeptImages.metadata(1), changed);
  }

  @Test
  void pagesInsertedInTheMiddleDoNotMoveTheOthers() throws Exception {
    byte[] pages = KeptImages.memory(512, 3);
    KeptImages.write(root(), "a", KeptImages.metadata(1), pages, List.of(
        new ImageContent.Stretch(1, 0, 256L * PAGE), new ImageContent.Stretch(1, 512L * PAGE, 256L * PAGE)), _ -> { });
    byte[] more = new byte[513 * PAGE];
    System.arraycopy(pages, 0, more, 0, 256 * PAGE);
    System.arraycopy(KeptImages.memory(1, 9), 0, more, 256 * PAGE, PAGE);
    System.arraycopy(pages, 256 * PAGE, more, 257 * PAGE, 256 * PAGE);

    long added = KeptImages.write(root(), "a", KeptImages.metadata(1), more, List.of(
        new ImageContent.Stretch(1, 0, 256L * PAGE), new ImageContent.Stretch(1, 300L * PAGE, PAGE),
        new ImageContent.Stretch(1, 512L * PAGE, 256L * PAGE)), _ -> { });

    assertThat(added).isLessThan(10_000);
    KeptImages.assertHolds(root(), "a@2", KeptImages.metadata(1), more);
  }

  @Test
  void pagesOfZerosAreNotStored() throws Exception {
    byte[] pages = new byte[4000 * PAGE];
    pages[1234 * PAGE] = 1;
    pages[1236 * PAGE + 4095] = 1;

    assertThat(KeptImages.write(root(), "a", new byte[] {1}, pages)).isLessThan(10_000);
    KeptImages.assertHolds(root(), "a", new byte[] {1}, pages);
  }

  @Test
  void anImageWithoutPagesOrMetadataIsOne() throws Exception {
    KeptImages.write(root(), "a", new byte[0], new byte[0]);

    KeptImages.assertHolds(root(), "a@1", new byte[0], new byte[0]);
  }

  @Test
  void whatIsLaidOutIsReadableThroughAFile() throws Exception {
    byte[] pages = KeptImages.memory(3 * 256 + 7, 1);
    java.util.Arrays.fill(pages, 0, 5 * PAGE, (byte) 0);
    java.util.Arrays.fill(pages, pages.length - 300 * PAGE, pages.length, (byte) 0);
    KeptImages.write(root(), "a", new byte[] {1}, pages);
    BitSet without = new BitSet();
    without.set(1);

    try (ImageReader reader = KeptImages.open(root(), "a", Keys.NONE)) {
      reader.layOut(2, without);
      byte[] laidOut = Files.readAllBytes(reader.pageFile());
      assertThat(laidOut).hasSize(pages.length);
      java.util.Arrays.fill(pages, 1 << 20, 2 << 20, (byte) 0);
      assertThat(java.util.Arrays.mismatch(laidOut, pages)).isEqualTo(-1);
    }
  }

  @Test
  void twoWritersAtOnceGetTwoNumbers() throws Exception {
    byte[] pages = KeptImages.memory(1500, 1);
    KeptImages.write(root(), "other", new byte[] {1}, KeptImages.memory(1, 7));
    try (ExecutorService both = Executors.newFixedThreadPool(2)) {
      List<Future<Long>> writers = List.of(
          both.submit(() -> KeptImages.write(root(), "a", KeptImages.metadata(1), pages)),
          both.submit(() -> KeptImages.write(root(), "a", KeptImages.metadata(1), pages)));
      for (Future<Long> writer : writers) {
        writer.get();
      }
    }

    KeptImages.assertHolds(root(), "a@1", KeptImages.metadata(1), pages);
    KeptImages.assertHolds(root(), "a@2", KeptImages.metadata(1), pages);
  }

  @Test
  void whatFailsItsExaminationLeavesNoCheckpointAndNoPack() throws Exception {
    KeptImages.write(root(), "a", new byte[] {1}, KeptImages.memory(20, 1));
    long before = bytesOf(root());
    try (ImageWriter writer = Repository.destination(root(), "a").begin(_ -> { })) {
      writer.writeMetadata(Bytes.of(new byte[] {2}), 20 * PAGE);
      writer.pages().write(ByteBuffer.wrap(KeptImages.memory(20, 2)));
      assertThatThrownBy(() -> writer.commit(_ -> {
        throw new IOException("cannot be planned");
      })).hasMessage("cannot be planned");
    }

    assertThat(bytesOf(root())).isEqualTo(before);
    assertThat(KeptImages.refusal(root(), "a@2")).hasValueSatisfying(
        said -> assertThat(said).contains("holds no a@2", "stasis log"));
  }

  @Test
  void namesThatAreNoneAndCheckpointsThatAreNotThereAreToldInOneSentence() throws Exception {
    assertThat(KeptImages.refusal(temp, "a").orElseThrow()).contains("holds no repository");
    KeptImages.write(root(), "a", new byte[] {1}, new byte[0]);
    assertThat(KeptImages.refusal(root(), "b").orElseThrow()).contains("holds no checkpoint of b", "it has a");
    assertThat(KeptImages.refusal(root(), "a@golden").orElseThrow()).contains("has no tag a@golden");
    assertThatThrownBy(() -> Repository.destination(root(), "../x").begin(_ -> { }))
        .hasMessageContaining("is no name for a checkpoint");
    Files.createDirectory(temp.resolve("full"));
    Files.writeString(temp.resolve("full/letter"), "dear");
    assertThatThrownBy(() -> Repository.destination(temp.resolve("full"), "x").begin(_ -> { }))
        .hasMessageContaining("is no repository and not empty");
    assertThat(CheckpointName.parse("a@0/..")).isEmpty();
  }
}
