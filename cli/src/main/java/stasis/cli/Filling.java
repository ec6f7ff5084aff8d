package stasis.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import stasis.engine.LateFigures;
import stasis.engine.LateFill;

/// What is left to do after a lazy restore: this process stays until the program has all its pages.
///
/// @param pid of the program
record Filling(Console console, JsonOption json, Verbosity verbosity, LateFill fill, int pid) {
  /// Beside a program that is waited for. @return the thread to wait for in the end
  Thread beside() {
    return Thread.ofPlatform().name("stasis-filling").daemon().start(() -> tell(fill.await()));
  }

  private void tell(Optional<String> failure) {
    if (failure.isPresent()) {
      console.say(killed(failure.get()));
    } else if (verbosity.verbose()) {
      console.say(figures());
    }
    if (json.takesStdout()) {
      console.out().print(report(failure).write());
      console.out().flush();
    }
  }

  private String killed(String reason) {
    return pid + " was killed, because memory it still lacked cannot be had: " + reason;
  }

  private String figures() {
    LateFigures figures = fill.figures();
    return "%d has all its memory after %s: %d faults brought %s, %d were zeros; %s came beside".formatted(pid,
        Units.duration(figures.fillNs()), figures.faults(), Units.bytes(figures.faultBytes()), figures.zeroFaults(),
        Units.bytes(figures.backgroundBytes()));
  }

  private Json report(Optional<String> failure) {
    LateFigures figures = fill.figures();
    return Json.object(
        Json.member("outcome", Json.text(failure.isPresent() ? "killed" : "filled")),
        Json.member("pid", Json.number(pid)),
        Json.member("fill_ms", Json.millis(figures.fillNs())),
        Json.member("late_bytes", Json.number(figures.lateBytes())),
        Json.member("faults", Json.number(figures.faults())),
        Json.member("fault_bytes", Json.number(figures.faultBytes())),
        Json.member("zero_faults", Json.number(figures.zeroFaults())),
        Json.member("background_bytes", Json.number(figures.backgroundBytes())),
        Json.member("error", Json.text(failure.orElse(""))));
  }

  /// After the program was let go. @param leave lets whoever asked go
  void detached(Runnable leave) {
    leave.run();
    Optional<String> failure = fill.await();
    failure.ifPresent(reason -> {
      console.say(killed(reason));
      log(killed(reason));
    });
  }

  /// Where nobody reads what we say any more.
  private void log(String line) {
    try {
      Map<String, String> environment = OwnStart.read().variables();
      Path folder = Path.of(environment.getOrDefault("XDG_RUNTIME_DIR",
          environment.getOrDefault("XDG_CACHE_HOME", System.getProperty("user.home", "/")))).resolve("stasis");
      Files.createDirectories(folder);
      Files.write(folder.resolve("lazy-" + pid + ".log"), List.of("stasis: " + line));
    } catch (IOException e) {
      console.say(String.valueOf(e.getMessage()));
    }
  }
}
