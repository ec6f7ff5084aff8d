package stasis.live;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import stasis.testkit.Launcher;
import stasis.testkit.Launcher.Program;
import stasis.testkit.VictimCompiler;

/// The victims of this reactor as programs to start, by name or by source.
final class Victims {
  private static final Path INCLUDE = Path.of("..", "testkit", "victims");
  private static final Path KINDS = Path.of("..", "kinds", "src", "test", "java", "stasis", "kinds");
  private static final Path PROGRAMS = Path.of("src", "test", "resources", "programs");
  private final VictimCompiler compiler;

  /// Skips the test where there is no compiler.
  Victims() {
    assumeTrue(VictimCompiler.isAvailable(), "needs gcc");
    compiler = new VictimCompiler(INCLUDE, Path.of("target", "victims"));
  }

  /// @param work folder of the test; the launcher is to be closed by the test
  Launcher launcher(Path work) {
    return new Launcher(work, compiler);
  }

  /// Every victim there is, those of kinds first; sorted.
  List<Path> sources() throws IOException {
    var all = new ArrayList<Path>();
    try (Stream<Path> kinds = Files.walk(KINDS); Stream<Path> general = Files.list(INCLUDE)) {
      kinds.filter(file -> file.toString().endsWith("_victim.c")).sorted().forEach(all::add);
      general.filter(file -> file.toString().endsWith(".c")).sorted().forEach(all::add);
    }
    return all;
  }

  /// `group/seccomp` of a kind's victim, `counter` of a general one.
  static String label(Path source) {
    return source.startsWith(KINDS) ? String.valueOf(KINDS.relativize(source).getParent()) : name(source);
  }

  static String name(Path source) {
    return source.getFileName().toString().replace(".c", "");
  }

  /// A victim of `testkit/victims`, e.g. `counter`.
  Program general(String name, String... flags) {
    return Program.of(compiler.compile(INCLUDE.resolve(name + ".c"), flags));
  }

  /// A kind's own victim: `kinds/FAMILY/KIND/KIND_victim.c`.
  Program ofKind(String family, String kind, String... flags) {
    return Program.of(compiler.compile(KINDS.resolve(family).resolve(kind).resolve(kind + "_victim.c"), flags));
  }

  /// A program of this module: `src/test/resources/programs`.
  Program program(String name, String... flags) {
    return Program.of(compiler.compile(PROGRAMS.resolve(name + ".c"), flags));
  }

  /// Any other source.
  Program of(Path source, String... flags) {
    return Program.of(compiler.compile(source, flags));
  }
}
