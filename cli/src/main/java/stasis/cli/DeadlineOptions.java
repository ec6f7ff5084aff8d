package stasis.cli;

import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import stasis.engine.DeadlineOrder;

/// By when an image has to be there, and what else.
final class DeadlineOptions {
  /// How often memory is copied ahead at most where nobody says.
  static final int ROUNDS = 10;

  private static final Pattern TIME = Pattern.compile("([1-9][0-9]{0,8})(ms|s|m)");
  private static final Map<String, Long> NS = Map.of("ms", 1_000_000L, "s", 1_000_000_000L, "m", 60_000_000_000L);

  @Option(names = "--deadline", paramLabel = "TIME", description = "With --repo: have the whole image there within TIME"
      + " (25s, 1500ms, 2m) from the start of this command, memory copied ahead as --pre-copy does; or say, as soon as"
      + " that is clear, that it cannot be.")
  private Optional<String> within = Optional.empty();
  @Option(names = "--if-late", paramLabel = "give-up|go-on", description = "With --deadline, when it cannot be met:"
      + " store nothing and let the program run on (default), or say so and go on.")
  private Optional<String> ifLate = Optional.empty();

  boolean isGiven() {
    return within.isPresent();
  }

  Optional<DeadlineOrder> order(CommandSpec spec) {
    if (ifLate.filter(word -> !word.equals("give-up") && !word.equals("go-on")).isPresent()
        || ifLate.isPresent() && within.isEmpty()) {
      throw new ParameterException(spec.commandLine(), "--if-late is give-up or go-on, and goes with --deadline");
    }
    return within.map(time -> new DeadlineOrder(nanoseconds(spec, time), sinceStart().toNanos(),
        ifLate.filter("go-on"::equals).isPresent()));
  }

  private static long nanoseconds(CommandSpec spec, String time) {
    Matcher parts = TIME.matcher(time);
    Optional<Long> unit = parts.matches() ? Optional.ofNullable(NS.get(parts.group(2))) : Optional.empty();
    return unit.map(ns -> ns * Long.parseLong(parts.group(1))).orElseThrow(() -> new ParameterException(
        spec.commandLine(), "--deadline is a time like 25s, 1500ms or 2m, not " + time));
  }

  /// What the start of this process took already.
  private static Duration sinceStart() {
    return ProcessHandle.current().info().startInstant().map(start -> Duration.between(start, Instant.now()))
        .filter(time -> !time.isNegative()).orElse(Duration.ZERO);
  }
}
