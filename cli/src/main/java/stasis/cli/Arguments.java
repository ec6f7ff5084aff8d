package stasis.cli;

import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import stasis.linux.abi.Tid;

/// Checks that are usage errors when they fail.
final class Arguments {
  private Arguments() {}

  static Tid tid(CommandSpec spec, int pid) {
    if (pid <= 0) {
      throw usage(spec, "PID is a number above 0, not " + pid);
    }
    return new Tid(pid);
  }

  /// @return nanoseconds
  static long positiveMs(CommandSpec spec, String option, long ms) {
    if (ms <= 0 || ms > Long.MAX_VALUE / 1_000_000) {
      throw usage(spec, option + " is a number of milliseconds above 0, not " + ms);
    }
    return ms * 1_000_000;
  }

  /// An image is given as argument or as `--image`, once.
  static Path image(CommandSpec spec, Optional<Path> argument, Optional<Path> option) {
    if (argument.isPresent() == option.isPresent()) {
      throw usage(spec, argument.isPresent() ? "give IMAGE or --image DIR, not both" : "which IMAGE?");
    }
    return normal(argument.or(() -> option).orElseThrow());
  }

  /// As messages name it and whatever the working directory becomes.
  static Path normal(Path given) {
    return given.toAbsolutePath().normalize();
  }

  private static ParameterException usage(CommandSpec spec, String problem) {
    return new ParameterException(spec.commandLine(), problem);
  }
}
