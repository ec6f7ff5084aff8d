package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import stasis.engine.Moment;
import stasis.engine.RestoreOutcome;
import stasis.testkit.Launcher.Program;
import stasis.testkit.Victim;

/// Whoever owns a folder can make a link of it that leads elsewhere: no restore goes through one that was not there.
final class SymbolicLinksTest {
  private static final Path PYTHON = Path.of("/usr/bin/python3");
  private static final String HOLDS = """
      import os, time
      os.mkdir('place'); file = open('place/file', 'w+'); file.write('mine'); file.flush()
      open('ready', 'w').close()
      while not os.path.exists('go'): time.sleep(0.01)
      file.seek(0); assert file.read() == 'mine'
      """;

  private static final String MAKES = """
      import os, time
      home = os.getcwd() + '/'
      os.mkdir('place')
      %s
      open(home + 'ready', 'w').close()
      while not os.path.exists(home + 'go'): time.sleep(0.01)
      """;

  @TempDir
  private Path work;

  @BeforeEach
  void needsPython() {
    assumeTrue(Files.isExecutable(PYTHON), "needs python3");
  }

  @Test
  void aLinkWhereAFolderWasIsRefusedByName() throws IOException {
    try (var cycle = new Cycle(new Victims(), work)) {
      Victim program = held(cycle);
      Path image = stored(cycle, program);
      linked(program.folder());

      assertThat(Cycle.text(cycle.restore(image, _ -> { })))
          .contains("refused", program.folder().resolve("place") + " is one here", "mount --bind");

      unlinked(program.folder());
      goesOn(cycle, program, image);
    }
  }

  @Test
  void aLinkWhereAWorkingDirectoryWasIsRefusedByName() throws IOException {
    try (var cycle = new Cycle(new Victims(), work)) {
      Victim program = held(cycle, MAKES.formatted("os.chdir('place')"));
      Path image = stored(cycle, program);
      linked(program.folder());
      assertThat(Cycle.text(cycle.restore(image, _ -> { })))
          .contains("refused", program.folder().resolve("place") + " is one here", "mount --bind");
      unlinked(program.folder());
      goesOn(cycle, program, image);
    }
  }

  @Test
  void aLinkThatComesInBetweenIsNotFollowed() throws IOException {
    try (var cycle = new Cycle(new Victims(), work)) {
      Victim program = held(cycle);
      Path image = stored(cycle, program);

      RestoreOutcome outcome = cycle.restore(image, moment -> {
        if (moment.equals(new Moment.At("restore.step")) && !Files.exists(program.folder().resolve("elsewhere"))) {
          linked(program.folder());
        }
      });

      assertThat(Cycle.text(outcome)).contains("Failed", "ELOOP");
      Ground.onlyTasks(cycle, Set.of());
      unlinked(program.folder());
      goesOn(cycle, program, image);
    }
  }

  /// What is made and deleted again, or entered, on the way to what a program has.
  @ParameterizedTest
  @ValueSource(strings = {"os.mkdir('place/gone'); os.chdir('place/gone'); os.rmdir('../gone')",
      "os.chdir('place')",
      "os.mkfifo('place/fifo'); fd = os.open('place/fifo', os.O_RDWR); os.unlink('place/fifo')",
      "os.mknod('place/null', 0o20666, os.makedev(1, 3)); fd = os.open('place/null', os.O_RDWR);"
          + " os.unlink('place/null')",
      "os.symlink('/', 'place/link'); fd = os.open('place/link', os.O_PATH | os.O_NOFOLLOW); os.unlink('place/link')",
      "os.mkdir('place/gone'); fd = os.open('place/gone', os.O_RDONLY); os.rmdir('place/gone')"})
  void nothingIsMadeOrEnteredThroughALinkThatComesInBetween(String has) throws IOException {
    try (var cycle = new Cycle(new Victims(), work)) {
      Victim program = held(cycle, MAKES.formatted(has));
      Path image = stored(cycle, program);
      Path elsewhere = program.folder().resolve("elsewhere");

      RestoreOutcome outcome = cycle.restore(image, moment -> {
        if (moment.equals(new Moment.At("restore.step")) && !Files.exists(elsewhere)) {
          linked(program.folder());
        }
      });

      assertThat(Cycle.text(outcome)).contains("Failed", "ELOOP");
      assertThat(elsewhere).isEmptyDirectory();
      Ground.onlyTasks(cycle, Set.of());
      unlinked(program.folder());
      goesOn(cycle, program, image);
      assertThat(program.folder().resolve("place")).isEmptyDirectory();
    }
  }

  private static Victim held(Cycle cycle) {
    return held(cycle, HOLDS);
  }

  private static Victim held(Cycle cycle, String text) {
    Victim program = cycle.start(Program.of(PYTHON, "-c", text));
    assertThat(Ground.waitFor(() -> Files.exists(program.folder().resolve("ready")))).isTrue();
    return program;
  }

  private static Path stored(Cycle cycle, Victim program) {
    Path image = cycle.newImage();
    cycle.stored(program, image, false);
    cycle.bury(program);
    return image;
  }

  /// The same file, by another way.
  private static void linked(Path folder) {
    try {
      Files.move(folder.resolve("place"), folder.resolve("elsewhere"));
      Files.createSymbolicLink(folder.resolve("place"), Path.of("elsewhere"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void unlinked(Path folder) throws IOException {
    Files.delete(folder.resolve("place"));
    Files.move(folder.resolve("elsewhere"), folder.resolve("place"));
  }

  private static void goesOn(Cycle cycle, Victim program, Path image) throws IOException {
    cycle.running(image);
    Files.createFile(program.folder().resolve("go"));
    assertThat(Ground.waitFor(() -> !program.isAlive())).isTrue();
    assertThat(program.errors()).isEmpty();
  }
}
