package stasis.repository;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.linux.abi.Bytes;

final class CertificatesTest {
  private static final Bytes TOLD = Bytes.hex("00ff0a0d80");

  @TempDir private Path temp = Path.of("");

  private Path image() {
    return temp.resolve("image");
  }

  private void write(int seed, boolean proved) throws ImageException {
    try (ImageWriter writer = ImageStore.create(image(), true)) {
      writer.writeMetadata(Bytes.of(KeptImages.metadata(seed)), 0);
      writer.commit((ImageReader _) -> {
        if (proved) {
          writer.certify(TOLD);
        }
      });
    }
  }

  private Optional<Bytes> read() throws ImageException {
    try (ImageReader reader = ImageReader.open(image())) {
      return reader.certificate();
    }
  }

  private List<Path> files() throws java.io.IOException {
    try (Stream<Path> all = Files.list(image())) {
      return all.filter(file -> String.valueOf(file.getFileName()).startsWith("certificate-")).toList();
    }
  }

  @Test
  void itLiesBesideItsStatefileAndGoesWithIt() throws Exception {
    write(1, true);
    assertThat(read()).contains(TOLD);

    write(2, false);
    assertThat(read()).isEmpty();
    assertThat(files()).isEmpty();
  }

  @Test
  void oneOfAnotherImageIsNotTakenForIt() throws Exception {
    write(1, true);
    Path of1 = files().getFirst();
    byte[] content = Files.readAllBytes(of1);
    write(2, false);
    Files.write(of1, content);

    assertThat(read()).isEmpty();
  }

  @Test
  void aDamagedOneIsTold() throws Exception {
    write(1, true);
    Path file = files().getFirst();
    byte[] content = Files.readAllBytes(file);
    content[1] ^= 1;
    Files.write(file, content);

    assertThatThrownBy(this::read).isInstanceOf(ImageException.class).hasMessageContaining("damaged");
  }

  @Test
  void whatIsNotCommittedLeavesNone() throws Exception {
    assertThatThrownBy(() -> {
      try (ImageWriter writer = ImageStore.create(image(), true)) {
        writer.writeMetadata(Bytes.of(KeptImages.metadata(1)), 0);
        writer.commit((ImageReader _) -> {
          writer.certify(TOLD);
          throw new IllegalStateException("not so");
        });
      }
    }).hasMessage("not so");
    assertThat(image()).doesNotExist();
  }

  @Test
  void inARepositoryItIsPartOfTheCheckpointAndOfItsCopies() throws Exception {
    Path from = temp.resolve("from");
    byte[] pages = KeptImages.memory(3, 1);
    try (RepositoryWriter writer = Repository.begin(from, "it", Protection.NONE, _ -> { }, _ -> { })) {
      writer.writeMetadata(new ImageContent(Bytes.of(KeptImages.metadata(1)), pages.length, List.of(),
          KeptImages.FACTS));
      writer.pages().write(ByteBuffer.wrap(pages));
      writer.commit((ImageReader _) -> writer.certify(TOLD));
    }
    Path to = temp.resolve("to");
    Catalogue.open(from).copy(CheckpointName.parse("it@1").orElseThrow(), to, Protection.NONE);

    for (Path root : List.of(from, to)) {
      try (ImageReader reader = KeptImages.open(root, "it@1", Keys.NONE)) {
        assertThat(reader.certificate()).contains(TOLD);
      }
      KeptImages.assertHolds(root, "it@1", KeptImages.metadata(1), pages);
    }
  }
}
