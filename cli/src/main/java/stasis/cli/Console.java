package stasis.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/// Where a run of the command line prints.
///
/// @param err messages and progress @param errIsTerminal whether lines there may be overwritten
record Console(PrintStream out, PrintStream err, boolean errIsTerminal, boolean colour) {
  static Console ofThisProcess() {
    return ofThisProcess(System.getenv());
  }

  static Console ofThisProcess(Map<String, String> environment) {
    return of(isTerminal(Path.of("/proc/self/fd/2")), environment);
  }

  /// Colour only on a terminal, and not where NO_COLOR is set to anything (no-color.org).
  static Console of(boolean terminal, Map<String, String> environment) {
    return of(System.out, System.err, terminal, environment);
  }

  static Console of(PrintStream out, PrintStream err, boolean terminal, Map<String, String> environment) {
    return new Console(out, err, terminal,
        terminal && environment.getOrDefault("NO_COLOR", "").isEmpty());
  }

  /// `System.console()` tells of stdin and stdout only.
  ///
  /// @param link below /proc/PID/fd
  static boolean isTerminal(Path link) {
    try {
      String target = Files.readSymbolicLink(link).toString();
      return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty") || target.equals("/dev/console");
    } catch (IOException e) {
      return false;
    }
  }

  void say(String message) {
    err.println("stasis: " + message);
  }

  /// @param sgr the parameters of ECMA-48 SGR: "1" is bold, "31" red
  String paint(String sgr, String text) {
    return colour ? "\u001b[" + sgr + "m" + text + "\u001b[0m" : text;
  }
}
