package stasis.live;

import static org.assertj.core.api.Assertions.fail;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.function.Executable;
import org.opentest4j.TestAbortedException;

/// The written list of what does not pass yet, `known-failures.txt`: `NAME: reason`, a line each. What is on it is run
/// all the same; it counts as skipped with its reason, and fails once it passes, so that the list can only shrink.
final class KnownFailures {
  private final Map<String, String> reasons = new TreeMap<>();

  KnownFailures() {
    try (var list = KnownFailures.class.getResourceAsStream("/known-failures.txt")) {
      if (list == null) {
        throw new AssertionError("known-failures.txt is not on the class path");
      }
      new String(list.readAllBytes(), StandardCharsets.UTF_8).lines()
          .filter(line -> !line.isBlank() && !line.startsWith("#"))
          .map(line -> line.split(": ", 2)).forEach(line -> reasons.put(line[0], line[1]));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Runs what must pass, or must not yet.
  void run(String name, Executable test) throws Throwable {
    if (!reasons.containsKey(name)) {
      test.execute();
      return;
    }
    try {
      test.execute();
    } catch (TestAbortedException e) {
      throw e;
    } catch (Throwable e) {
      throw new TestAbortedException("known failure: " + reasons.get(name), e);
    }
    fail("%s passes now: take it off known-failures.txt", name);
  }
}
