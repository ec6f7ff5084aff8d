package stasis.linux.peer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.linux.abi.Bytes;

/// Whether files are as they were, by what the kernel says of them.
final class FileStampsTest {
  @TempDir private Path folder = Path.of("");
  private Path file = Path.of("");
  private Path missing = Path.of("");

  @BeforeEach
  void oneFileIsThereAndOneIsNot() throws IOException {
    file = Files.writeString(folder.resolve("file"), "content");
    missing = folder.resolve("a name of another length");
  }

  private FileStamps stamps() {
    return FileStamps.of(Stream.of(file, missing, folder).map(path -> Bytes.of(
        path.toString().getBytes(StandardCharsets.UTF_8))).toList());
  }

  @Test
  void nothingHasChanged() throws IOException {
    FileStamps stamps = stamps();
    Files.readString(file);

    assertThat(stamps.areSame()).isTrue();
    assertThat(stamps.areSame()).as("asked again").isTrue();
    assertThat(FileStamps.of(List.of()).areSame()).isTrue();
  }

  @Test
  void writingToOneIsADifferenceAlsoWhereItsTimeIsSetBack() throws IOException {
    FileTime before = Files.getLastModifiedTime(file);
    FileStamps stamps = stamps();
    Files.writeString(file, "CONTENT");
    Files.setLastModifiedTime(file, before);

    assertThat(stamps.areSame()).isFalse();
  }

  @Test
  void anotherFileInItsPlaceIsADifference() throws IOException {
    Path other = Files.copy(file, folder.resolve("other"), StandardCopyOption.COPY_ATTRIBUTES);
    FileStamps stamps = stamps();
    Files.move(other, file, StandardCopyOption.REPLACE_EXISTING);

    assertThat(stamps.areSame()).isFalse();
  }

  @Test
  void soIsOneThatGoesAndOneThatComes() throws IOException {
    FileStamps stamps = stamps();
    Files.createFile(missing);
    assertThat(stamps.areSame()).as("one that was not there").isFalse();

    stamps = stamps();
    Files.delete(file);
    assertThat(stamps.areSame()).isFalse();
  }
}
