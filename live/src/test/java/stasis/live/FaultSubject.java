package stasis.live;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import stasis.testkit.Launcher.Program;
import stasis.testkit.Victim;

/// A program to which faults happen. It checks itself all the time and counts the rounds of its parts in the file
/// `rounds`; one that stands still instead is looked at by the oracle.
///
/// @param label where it is ready @param parts how many count rounds @param needs programs it starts
record FaultSubject(String name, Function<Victims, Program> program, String label, int parts, List<Path> needs) {
  private static final Path ENDLESS = Path.of("src/test/resources/programs/endless").toAbsolutePath();
  /// It waits for its verdict as long as a sweep takes.
  private static final String FOREVER = "-DVICTIM_MAX_POLLS=5000000";
  private static final String PYTHON = "/usr/bin/python3";

  static List<FaultSubject> all() {
    return List.of(
        new FaultSubject("always", victims -> victims.program("always"), "always", 5, List.of()),
        new FaultSubject("threads", victims -> victims.general("threads", FOREVER), "all-wait", 0, List.of()),
        new FaultSubject("shared", victims -> Program.of(victims.program("shared_writers").program(), "128", "always"),
            "always", 4, List.of()),
        server("redis", "/usr/bin/redis-server"), server("postgres", "/usr/lib/postgresql"),
        server("tmux", "/usr/bin/tmux", "/usr/bin/vim"),
        new FaultSubject("java", _ -> Program.of(Path.of(System.getProperty("java.home"), "bin", "java"), "-Xmx128m",
            "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", ENDLESS.resolve("Endless.java").toString()), "always", 1,
            List.of()));
  }

  private static FaultSubject server(String name, String... needs) {
    return new FaultSubject(name, _ -> Program.of(Path.of(PYTHON), "-B", ENDLESS.resolve(name + ".py").toString())
        .with("REST_MS=5"), "always", 1, List.of(needs).stream().map(Path::of).toList());
  }

  boolean isHere() {
    return needs.stream().allMatch(Files::exists);
  }

  /// Whether it stands still, so that two looks at it see the same.
  boolean waits() {
    return parts == 0;
  }

  /// How many rounds each part has made.
  List<Long> rounds(Victim victim) {
    if (waits()) {
      return List.of();
    }
    try {
      ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(victim.folder().resolve("rounds")))
          .order(ByteOrder.LITTLE_ENDIAN);
      var rounds = new ArrayList<Long>();
      for (int part = 0; part < parts; part++) {
        rounds.add(bytes.getLong());
      }
      return rounds;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Whether each part has made more rounds than these.
  boolean haveGoneOn(Victim victim, List<Long> before) {
    List<Long> now = rounds(victim);
    return IntStream.range(0, parts).allMatch(part -> now.get(part) > before.get(part));
  }
}
