package stasis.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.linux.abi.Tid;

/// What a resident engine reads, where it is met, and whom it takes for its like.
final class ServingTest {
  @TempDir private Path folder = Path.of("");

  @Test
  void aRequestIsItsLinesAndNothingElse() {
    assertThat(Request.of(List.of("stasis 1", "pid 7", "root /opt/stasis", "words 2", "restore", "/a b")))
        .contains(new Request(new Tid(7), "/opt/stasis", List.of("restore", "/a b")));
    for (List<String> odd : List.of(
        List.<String>of(),
        List.of("stasis 2", "pid 7", "root /", "words 1", "restore"),
        List.of("stasis 1", "pid 0", "root /", "words 1", "restore"),
        List.of("stasis 1", "pid 7", "root /", "words 1", "restore", "rest of a word with a newline"),
        List.of("stasis 1", "pid 7", "root /", "words 2", "restore"),
        List.of("stasis 1", "pid 7", "root /", "words 2", "restore", "caf\u00e9"),
        List.of("stasis 1", "pid 99999999999", "root /", "words 1", "restore"))) {
      assertThat(Request.of(odd)).as(odd.toString()).isEmpty();
    }
  }

  @Test
  void linesMayComeInPieces() {
    Request.Lines lines = new Request.Lines();

    assertThat(lines.add("stasis 1\npi".getBytes(StandardCharsets.US_ASCII))).containsExactly("stasis 1");
    assertThat(lines.add("d 7".getBytes(StandardCharsets.US_ASCII))).isEmpty();
    assertThat(lines.add("\ngo\n".getBytes(StandardCharsets.US_ASCII))).containsExactly("pid 7", "go");
    assertThat(lines.isTooLong()).isFalse();
    lines.add(new byte[70_000]);
    assertThat(lines.isTooLong()).isTrue();
  }

  @Test
  void namesOfFilesAreMeantInTheCallersFolder() {
    Path there = Path.of("/there");

    assertThat(plain("checkpoint", "7", "--image", "a", "--json=b").at(there))
        .isEqualTo(plain("checkpoint", "7", "--image", "/there/a", "--json=/there/b"));
    assertThat(plain("restore", "a", "--pidfile", "/b", "--json").at(there))
        .isEqualTo(plain("restore", "/there/a", "--pidfile", "/b", "--json"));
    assertThat(plain("restore", "a@3", "--repo", "r").at(there))
        .as("a name in a repository is no file").isEqualTo(plain("restore", "a@3", "--repo", "/there/r"));
  }

  @Test
  void anotherProcessOfTheSameMakingIsNoDifferent() throws IOException {
    Process like = new ProcessBuilder("sleep", "60").start();
    Process nicer = new ProcessBuilder("nice", "-n", "3", "sleep", "60").start();
    Process masked = new ProcessBuilder("sh", "-c", "umask 0123; exec sleep 60").start();
    try {
      Surroundings own = Surroundings.of(Path.of("/proc/self"));
      // What a JVM changes of itself is not compared; until exec(2) the others are as this one is.
      assertThat(own.difference(of(like))).isEmpty();
      awaitDifference(own, nicer, "scheduling");
      awaitDifference(own, masked, "Umask");
    } finally {
      like.destroyForcibly();
      nicer.destroyForcibly();
      masked.destroyForcibly();
    }
  }

  @Test
  void theFolderIsForItsOwnerAlone() throws IOException {
    Doorway doorway = Doorway.of(Map.of("STASIS_SERVE_DIRECTORY", folder.resolve("serve").toString()));
    doorway.open();
    doorway.open();
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(doorway.folder()))).isEqualTo("rwx------");

    Files.setPosixFilePermissions(doorway.folder(), PosixFilePermissions.fromString("rwx--x---"));
    assertThatThrownBy(doorway::open).isInstanceOf(IOException.class).hasMessageContaining("open to others");

    Path link = Files.createSymbolicLink(folder.resolve("link"), folder.resolve("serve"));
    assertThatThrownBy(new Doorway(link)::open).isInstanceOf(IOException.class)
        .hasMessageContaining("not a folder of this user's");
  }

  @Test
  void whatADeadServerLeftIsTakenAway() throws IOException {
    Doorway doorway = new Doorway(folder.resolve("serve"));
    doorway.open();
    for (Path left : List.of(doorway.socket(), doorway.ask(3), doorway.say(3), doorway.taken(3))) {
      Files.createFile(left);
    }
    Optional<FileChannel> lock = doorway.own();
    assertThat(lock).isPresent();
    try (FileChannel _ = lock.get(); var files = Files.newDirectoryStream(doorway.folder())) {
      doorway.clear();
      assertThat(files).extracting(file -> file.getFileName().toString()).containsExactly("serve.lock");
      assertThat(ServeVerb.ask(doorway, "status")).isEmpty();
    }
  }

  private static PlainLine plain(String... words) {
    return PlainLine.of(words).orElseThrow();
  }

  private static Surroundings of(Process process) {
    return Surroundings.of(Path.of("/proc/" + process.pid()));
  }

  private static void awaitDifference(Surroundings own, Process other, String what) {
    Optional<String> difference = own.difference(of(other));
    for (int look = 0; look < 1000 && difference.isEmpty(); look++) {
      Thread.onSpinWait();
      difference = own.difference(of(other));
    }
    assertThat(difference).hasValueSatisfying(name -> assertThat(name).contains(what));
  }
}
