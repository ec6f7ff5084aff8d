package stasis.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import java.util.Optional;
import java.util.Stack;
import picocli.CommandLine.IParameterPreprocessor;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;

/// `--json[=FILE]`: the report as JSON on stdout, or in a file that appears whole.
final class JsonOption {
  private static final String STDOUT = "-";

  @Option(names = "--json", arity = "0..1", paramLabel = "FILE", fallbackValue = STDOUT,
      preprocessor = AttachedOnly.class, description = "Print the report as JSON, or write it to FILE.")
  private Optional<String> target = Optional.empty();

  private TraceOption trace = new TraceOption();

  /// @param said what followed `=`, empty text for none; empty where the option was not given
  static JsonOption of(Optional<String> said) {
    JsonOption option = new JsonOption();
    option.target = said.map(file -> file.isEmpty() ? STDOUT : file);
    return option;
  }

  /// @param other where the time of what is reported is told too @return this
  JsonOption with(TraceOption other) {
    trace = other;
    return this;
  }

  TraceOption trace() {
    return trace;
  }

  /// Whether stdout is taken: nothing else may be printed there.
  boolean takesStdout() {
    return target.filter(STDOUT::equals).isPresent();
  }

  void write(Json report, Console console) throws IOException {
    if (target.isEmpty()) {
      return;
    }
    if (takesStdout()) {
      console.out().print(report.write());
      console.out().flush();
      return;
    }
    Path file = Path.of(target.get()).toAbsolutePath();
    Path whole = Files.createTempFile(file.getParent(), ".stasis", ".json");
    try {
      Files.write(whole, report.write().getBytes(StandardCharsets.UTF_8));
      Files.move(whole, file, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(whole);
    }
  }

  /// In `--json 4711` the number is the pid, not a file: only `=` attaches one.
  static final class AttachedOnly implements IParameterPreprocessor {
    @Override
    @SuppressWarnings("JdkObsolete") // picocli's signature
    public boolean preprocess(Stack<String> args, CommandSpec command, ArgSpec option, Map<String, Object> info) {
      if (!"=".equals(info.get("separator"))) {
        args.push(STDOUT);
      }
      return false;
    }
  }
}
