package stasis.repository;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import stasis.linux.abi.Bytes;

/// Images of made-up memory, written into repositories and compared with what comes out.
final class KeptImages {
  static final int PAGE = 4096;
  static final ImageFacts FACTS = new ImageFacts(1_764_230_400_000_000_000L, "host", "a b\\\n", 4711, 2, 5);

  private KeptImages() {}

  /// Text-like, so that it can be compressed. @param seed other seeds, other bytes
  static byte[] memory(int pages, int seed) {
    byte[] memory = new byte[pages * PAGE];
    Random random = new Random(seed);
    for (int i = 0; i < memory.length; i++) {
      memory[i] = (byte) ('a' + random.nextInt(16));
    }
    return memory;
  }

  static byte[] metadata(int seed) {
    byte[] metadata = new byte[100_000];
    new Random(seed).nextBytes(metadata);
    return metadata;
  }

  static long write(Path root, String name, byte[] metadata, byte[] pages) throws ImageException {
    return write(root, name, metadata, pages, List.of(new ImageContent.Stretch(1, 0x7f00_0000_3000L, pages.length)),
        _ -> { });
  }

  static long write(Path root, String name, byte[] metadata, byte[] pages, List<ImageContent.Stretch> stretches,
      Disk.Watch watch) throws ImageException {
    return write(root, name, Keys.NONE, metadata, pages, stretches, watch);
  }

  static long write(Path root, String name, Keys keys, byte[] metadata, byte[] pages,
      List<ImageContent.Stretch> stretches, Disk.Watch watch) throws ImageException {
    try (RepositoryWriter writer = Repository.begin(root, name, Protection.of(keys), _ -> { }, watch)) {
      writer.writeMetadata(new ImageContent(Bytes.of(metadata), pages.length, stretches, FACTS));
      writer.pages().write(ByteBuffer.wrap(pages));
      return writer.commit(written -> written.verifyPages(1));
    }
  }

  static ImageReader open(Path root, String reference, Keys keys) throws ImageException {
    return Repository.origin(root, CheckpointName.parse(reference).orElseThrow(), keys).open();
  }

  static void assertHolds(Path root, String reference, byte[] metadata, byte[] pages) throws ImageException {
    assertHolds(root, reference, Keys.NONE, metadata, pages);
  }

  static void assertHolds(Path root, String reference, Keys keys, byte[] metadata, byte[] pages)
      throws ImageException {
    try (ImageReader reader = open(root, reference, keys)) {
      assertThat(reader.metadata().toArray()).isEqualTo(metadata);
      assertThat(reader.pageBytes()).isEqualTo(pages.length);
      ByteBuffer read = ByteBuffer.allocate(pages.length);
      reader.readPages(0, read);
      assertThat(read.array()).isEqualTo(pages);
      reader.verifyPages(2);
    }
  }

  static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Files.copy(file, to.resolve(from.relativize(file)));
      }
    }
  }

  /// @return what is said of it, or empty where it can be read whole
  static Optional<String> refusal(Path root, String reference) {
    return refusal(root, reference, Keys.NONE);
  }

  static Optional<String> refusal(Path root, String reference, Keys keys) {
    try (ImageReader reader = open(root, reference, keys)) {
      reader.metadata();
      reader.verifyPages(2);
      return Optional.empty();
    } catch (ImageException e) {
      assertThat(e.getMessage()).contains("; ");
      return Optional.of(e.getMessage());
    }
  }
}
