package stasis.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Whether a process from a start-up image notices what the launcher would.
final class SourcesTest {
  private static final FileTime EARLIER = FileTime.from(Instant.EPOCH);

  @TempDir private Path root = Path.of("");

  @BeforeEach
  void aCheckoutIsBuilt() throws IOException {
    for (String file : new String[] {"pom.xml", "cli/pom.xml", "cli/src/main/java/a/A.java", "live/pom.xml",
        "live/src/test/T.java", ".git/src/main/x", "cli/target/app/built"}) {
      Path path = root.resolve(file);
      Files.createDirectories(path.getParent());
      Files.writeString(path, "");
    }
    try (Stream<Path> all = Files.walk(root)) {
      for (Path path : all.filter(path -> !path.endsWith("built")).toList()) {
        Files.setLastModifiedTime(path, EARLIER);
      }
    }
  }

  @Test
  void nothingIsEdited() throws IOException {
    Sources sources = Sources.of(root);
    Files.writeString(root.resolve("live/src/test/T.java"), "a test is not in the build");
    Files.writeString(root.resolve(".git/src/main/x"), "nor this");

    assertThat(sources.areKnown()).isTrue();
    assertThat(sources.areSame()).isTrue();
  }

  @Test
  void whateverIsEditedAddedOrDeletedIsNoticed() throws IOException {
    noticed(() -> Files.writeString(root.resolve("cli/src/main/java/a/A.java"), "edited"));
    noticed(() -> Files.writeString(root.resolve("cli/src/main/java/a/B.java"), "added"));
    noticed(() -> Files.delete(root.resolve("cli/src/main/java/a/A.java")));
    noticed(() -> Files.createDirectories(root.resolve("cli/src/main/resources")));
    noticed(() -> Files.writeString(root.resolve("pom.xml"), "the project"));
    noticed(() -> Files.writeString(root.resolve("cli/pom.xml"), "a module"));
    noticed(() -> Files.createDirectories(root.resolve("live/src/main")));
    noticed(() -> Files.delete(root.resolve("cli/target/app/built")));
  }

  private interface Edit {
    void make() throws IOException;
  }

  private void noticed(Edit edit) throws IOException {
    aCheckoutIsBuilt();
    Sources sources = Sources.of(root);
    assertThat(sources.areSame()).isTrue();

    edit.make();

    assertThat(sources.areSame()).isFalse();
  }

  @Test
  void ofABuildThatIsOlderAlreadyNothingIsKnown() throws IOException {
    Files.setLastModifiedTime(root.resolve("cli/src/main/java/a/A.java"), FileTime.from(Instant.now().plusSeconds(9)));

    assertThat(Sources.of(root).areKnown()).isFalse();
    assertThat(Sources.of(root).areSame()).isFalse();
  }

  @Test
  void theyAreAskedWhereTheLauncherWouldBuild(@TempDir Path installed) throws IOException {
    assertThat(Sources.of(root).areAsked(Map.of())).isTrue();
    assertThat(Sources.of(root).areAsked(Map.of("STASIS_BUILD", "never"))).isFalse();
    assertThat(Sources.of(installed).areAsked(Map.of())).as("no checkout").isFalse();
  }
}
