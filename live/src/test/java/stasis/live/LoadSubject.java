package stasis.live;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import stasis.testkit.Launcher.Program;

/// A program under full load that numbers its operations and checks that each comes once and in its turn; it keeps the
/// contract of `programs/endless/contract.py`.
///
/// @param alone whether the files it has open are all that it needs of its folder: an image that takes them along is
///     whole without it
record LoadSubject(FaultSubject subject, boolean alone) {
  private static final Path LOAD = Path.of("src/test/resources/programs/load").toAbsolutePath();
  private static final String PYTHON = "/usr/bin/python3";
  private static final String LABEL = "always";

  static List<LoadSubject> all() {
    return List.of(
        new LoadSubject(new FaultSubject("openmp", victims -> victims.of(LOAD.resolve("openmp.c"), "-O1", "-fopenmp"),
            LABEL, 1, List.of()), true),
        server("redis", true, "/usr/bin/redis-server", "redis.py"),
        server("redis-log", false, "/usr/bin/redis-server", "redis.py", "log"),
        server("postgres", false, "/usr/lib/postgresql", "postgres.py"),
        // Its shared memory is large enough to be write-protected.
        server("postgres-full", false, "/usr/lib/postgresql", "postgres.py", "512"));
  }

  private static LoadSubject server(String name, boolean alone, String needs, String script, String... words) {
    return new LoadSubject(new FaultSubject(name, _ -> script(script, words), LABEL, 1, List.of(Path.of(needs))),
        alone);
  }

  private static Program script(String script, String... words) {
    List<String> line = new java.util.ArrayList<>(List.of("-B", LOAD.resolve(script).toString()));
    line.addAll(List.of(words));
    return Program.of(Path.of(PYTHON), line.toArray(String[]::new));
  }

  String name() {
    return subject.name();
  }

  boolean isHere() {
    return subject.isHere() && Files.exists(Path.of(PYTHON));
  }
}
