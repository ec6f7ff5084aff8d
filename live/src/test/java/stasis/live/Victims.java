package stasis.live;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import stasis.testkit.Launcher;
import stasis.testkit.Launcher.Program;
import stasis.testkit.VictimCompiler;

/// The victims of this reactor as programs to start, by name or by source.
final class Victims {
  private static final Path INCLUDE = Path.of("..", "testkit", "victims");
  private static final Path KINDS = Path.of("..", "kinds", "src", "test", "java", "stasis", "kinds");
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

  /// A victim of `testkit/victims`, e.g. `counter`.
  Program general(String name, String... flags) {
    return Program.of(compiler.compile(INCLUDE.resolve(name + ".c"), flags));
  }

  /// A kind's own victim: `kinds/FAMILY/KIND/KIND_victim.c`.
  Program ofKind(String family, String kind, String... flags) {
    return Program.of(compiler.compile(KINDS.resolve(family).resolve(kind).resolve(kind + "_victim.c"), flags));
  }

  /// Any other source.
  Program of(Path source, String... flags) {
    return Program.of(compiler.compile(source, flags));
  }
}
