package stasis.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import stasis.linux.abi.PathBytes;
import stasis.linux.abi.SyscallException;
import stasis.resource.ObstructedException;

/// What an image may say of a file, and the way there.
final class EmbeddedFileTest {
  private static EmbeddedFile at(String path, int folders) {
    return new EmbeddedFile(PathBytes.of(path), 0644, 0, 0, 1, 0, 0, 0, List.of(), Optional.empty(),
        Collections.nCopies(folders, new EmbeddedFile.Directory(0755, 0, 0)), false);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "relative", "/", "/a/", "//a", "/a/./b", "/a/../b", "/.."})
  void aPathThatIsNoFilesIsNoFile(String path) {
    for (int folders = 0; folders < 4; folders++) {
      int count = folders;
      assertThatThrownBy(() -> at(path, count)).isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void aFileHasAFolderForEachNameBeforeItsOwn() {
    assertThat(at("/a/b", 1).names()).containsExactly("a", "b");
    assertThatThrownBy(() -> at("/a/b", 2)).isInstanceOf(IllegalArgumentException.class);
  }

  private static EmbeddedFile in(Path folder) {
    return at(folder.resolve("file").toString(), folder.getNameCount());
  }

  @Test
  void foldersThatAreNotThereAreMadeAndTakenAwayAgainUnlessSomebodyUsesThem(@TempDir Path work)
      throws SyscallException, ObstructedException, IOException {
    Path outer = work.toRealPath().resolve("one");
    Path deep = outer.resolve("two");
    try (Folders folders = new Folders()) {
      folders.of(in(deep));
      assertThat(deep).isDirectory();
      folders.undo();
    }
    assertThat(outer).doesNotExist();
    try (Folders folders = new Folders()) {
      folders.of(in(deep));
      Files.writeString(outer.resolve("somebody's"), "");
      folders.undo();
    }
    assertThat(deep).doesNotExist();
    assertThat(outer).isDirectory();
  }

  @Test
  void noFolderIsEnteredThroughASymbolicLink(@TempDir Path work) throws IOException {
    Path link = Files.createSymbolicLink(work.toRealPath().resolve("link"), Files.createDirectory(work.resolve("to")));
    try (Folders folders = new Folders()) {
      assertThatThrownBy(() -> folders.of(in(link))).isInstanceOf(ObstructedException.class)
          .hasMessageContaining("link is a symbolic link");
      assertThatThrownBy(() -> folders.of(in(link.resolve("new")))).isInstanceOf(ObstructedException.class);
    }
    assertThat(work.resolve("to")).isEmptyDirectory();
  }
}
