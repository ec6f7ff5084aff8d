package stasis.kinds;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import stasis.resource.Kind;

/// The registry against the folders: every kind is registered, is called after its folder, and has its proof beside it.
class KindsTest {
  private static final Path MAIN = Path.of("src/main/java/stasis/kinds");
  private static final Path PROOF = Path.of("src/test/java/stasis/kinds");

  /// Kinds whose program that checks itself is another's, or a test of its own.
  private static final Map<String, String> PROVEN_BY = Map.of(
      "body/ended", "kinds/src/test/java/stasis/kinds/file/ended/ended_victim.c",
      "body/fifo", "kinds/src/test/java/stasis/kinds/file/fifo/fifo_victim.c",
      "body/pty", "kinds/src/test/java/stasis/kinds/file/pty/pty_victim.c",
      "group/foreground", "testkit/victims/tree_terminal.c",
      "group/terminal", "testkit/victims/tree_terminal.c",
      "file/stdio", "live/src/test/java/stasis/live/CommandLineTest.java",
      "file/foreign", "live/src/test/java/stasis/live/RefusedByNameTest.java");

  /// `family/kind` of each registered kind.
  static List<String> registered() {
    return Kinds.all().all().stream().map(Kind::schema).map(schema -> schema.name().replace('.', '/')).toList();
  }

  @Test
  void noTwoKindsHaveOneName() {
    assertThat(registered()).doesNotHaveDuplicates();
  }

  @Test
  void everyFolderIsAKind() throws IOException {
    Set<String> folders = new TreeSet<>();
    try (Stream<Path> all = Files.walk(MAIN, 2)) {
      all.filter(Files::isDirectory).map(folder -> MAIN.relativize(folder).toString())
          .filter(name -> name.contains("/")).forEach(folders::add);
    }
    assertThat(registered()).containsExactlyInAnyOrderElementsOf(folders);
  }

  @ParameterizedTest
  @MethodSource("registered")
  void aKindIsProvenByAProgramThatChecksItself(String kind) {
    String other = PROVEN_BY.get(kind);
    Path proof = other == null ? PROOF.resolve(kind).resolve(kind.substring(kind.indexOf('/') + 1) + "_victim.c")
        : Path.of("..").resolve(other);
    assertThat(proof).exists();
  }

  @ParameterizedTest
  @MethodSource("registered")
  void aKindHasGoldensOfSchemaAndProgramAndATest(String kind) throws IOException {
    Path folder = PROOF.resolve(kind);
    String name = kind.substring(kind.indexOf('/') + 1);
    assertThat(folder.resolve(name + ".schema")).exists();
    assertThat(folder.resolve(name + ".program")).exists();
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).anyMatch(file -> file.toString().endsWith("Test.java"));
    }
  }
}
