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

  private static Victim held(Cycle cycle) {
    Victim program = cycle.start(Program.of(PYTHON, "-c", HOLDS));
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
