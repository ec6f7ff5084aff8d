package stasis.tracee;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/// Programs for tests to trace, built from sources beside the tests.
final class Programs {
  private Programs() {}

  /// @return empty when there is no such compiler
  static Optional<Path> c(Path folder, String name, String... options) {
    Path program = folder.resolve(name + String.join("", options).replace('/', '_'));
    var command = new ArrayList<>(List.of("gcc", "-O1", "-w", "-pthread", "-o", program.toString()));
    command.addAll(List.of(options));
    command.add(source(folder, name + ".c").toString());
    return built(command) ? Optional.of(program) : Optional.empty();
  }

  static Optional<Path> go(Path folder, String name) {
    Path program = folder.resolve(name + "-go");
    return built(List.of("go", "build", "-o", program.toString(), source(folder, name + ".go").toString()))
        ? Optional.of(program) : Optional.empty();
  }

  static Path source(Path folder, String name) {
    try (InputStream in = Programs.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new AssertionError("no resource " + name);
      }
      Path copy = folder.resolve(name);
      Files.write(copy, in.readAllBytes());
      return copy;
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static boolean built(List<String> command) {
    try {
      var builder = new ProcessBuilder(command).inheritIO();
      builder.environment().putIfAbsent("GOCACHE", System.getProperty("java.io.tmpdir") + "/stasis-gocache");
      builder.environment().put("GO111MODULE", "off");
      Process process = builder.start();
      if (!process.waitFor(120, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new AssertionError("too slow: " + command);
      }
      if (process.exitValue() != 0) {
        throw new AssertionError("failed: " + command);
      }
      return true;
    } catch (IOException e) {
      return false; // no such compiler
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
