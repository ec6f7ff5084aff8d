package stasis.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import stasis.linux.abi.Tid;

/// The independent look at a program before and after (`bin/oracle`, Python's standard library): nothing of this
/// reactor has a part in the answer. Look only while the program waits.
public final class Oracle {
  private static final int BOUND_SECONDS = 120;
  private final Path script;
  private int looks;
  private final Path folder;

  /// @param agrees whether all that differs is on the written list @param lines what the oracle printed
  public record Comparison(boolean agrees, List<String> lines) {
    public Comparison {
      lines = List.copyOf(lines);
    }

    /// The paths of what differs and is not allowed.
    public List<String> differences() {
      return lines.stream().filter(line -> line.startsWith("DIFFERENT "))
          .map(line -> line.substring("DIFFERENT ".length(), line.indexOf(": "))).toList();
    }
  }

  /// @param root folder of the checkout @param folder for the snapshots
  public Oracle(Path root, Path folder) {
    this.script = root.toAbsolutePath().normalize().resolve("bin").resolve("oracle");
    this.folder = folder.toAbsolutePath().normalize();
  }

  public static boolean isAvailable() {
    return python().isPresent();
  }

  /// The system's own before any other: a version manager in between costs half a second a look.
  private static Optional<Path> python() {
    String places = "/usr/bin:/usr/local/bin:" + System.getenv().getOrDefault("PATH", "");
    return Arrays.stream(places.split(":")).map(place -> Path.of(place, "python3")).filter(Files::isExecutable)
        .findFirst();
  }

  /// @param options such as `--tree`, `--memory`
  /// @return the file that holds it, for [#compare] or for keeping
  public Path snapshot(Tid pid, String... options) {
    Path file = folder.resolve("look-" + ++looks + "-" + pid + ".json");
    var arguments = new ArrayList<>(List.of("snapshot", pid.toString()));
    arguments.addAll(List.of(options));
    if (run(arguments, file) != 0) {
      throw new IllegalStateException("the oracle cannot look at " + pid + ": " + read(file));
    }
    return file;
  }

  /// @param modes of `docs/oracle-allowed.md` that hold besides `always`
  public Comparison compare(Path before, Path after, String... modes) {
    return compareEach(List.of(before, after), modes).getFirst();
  }

  /// Each look with the one before it.
  public List<Comparison> compareEach(List<Path> looks, String... modes) {
    Path file = folder.resolve("comparison-" + ++this.looks + ".txt");
    var arguments = new ArrayList<>(List.of("compare"));
    looks.forEach(look -> arguments.add(look.toString()));
    for (String mode : modes) {
      arguments.addAll(List.of("--mode", mode));
    }
    run(arguments, file);
    var comparisons = new ArrayList<Comparison>();
    var lines = new ArrayList<String>();
    for (String line : read(file).lines().toList()) {
      lines.add(line);
      if (line.matches("\\d+ facts before, .*")) {
        comparisons.add(new Comparison(line.endsWith(" 0 different and not allowed"), lines));
        lines.clear();
      }
    }
    if (comparisons.size() != looks.size() - 1) {
      throw new IllegalStateException("the oracle failed: " + read(file));
    }
    return comparisons;
  }

  private int run(List<String> arguments, Path output) {
    var command = new ArrayList<>(List.of(python().orElseThrow().toString(), script.toString()));
    command.addAll(arguments);
    try {
      Path errors = Path.of(output + ".err");
      Process python =
          new ProcessBuilder(command).redirectOutput(output.toFile()).redirectError(errors.toFile()).start();
      if (!python.waitFor(BOUND_SECONDS, TimeUnit.SECONDS)) {
        python.destroyForcibly();
        throw new IllegalStateException("the oracle takes more than " + BOUND_SECONDS + " s");
      }
      if (python.exitValue() > 1 || Files.size(errors) > 0) {
        throw new IllegalStateException("the oracle failed: " + read(errors));
      }
      return python.exitValue();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while the oracle looked", e);
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
