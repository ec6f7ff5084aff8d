package stasis.cli;

import java.util.Optional;
import java.util.concurrent.Callable;

/// One command line, run.
final class Line {
  private Line() {}

  /// @return the exit status; never throws for what a user did
  static int run(Session session, String... words) {
    Optional<PlainLine> plain = PlainLine.of(words);
    Optional<Callable<Integer>> request = plain.flatMap(line -> line.request(session));
    if (plain.isEmpty() || request.isEmpty()) {
      return new CommandTree(session).run(words);
    }
    try {
      return request.get().call();
    } catch (Exception problem) {
      return failed(session, plain.get().verb(), problem);
    }
  }

  /// Whatever a verb let through: the kernel or the file system said no.
  static int failed(Session session, String verb, Throwable problem) {
    String message = problem.getMessage();
    session.console().say(message == null ? problem.toString() : problem.getClass().getSimpleName() + ": " + message);
    return verb.equals("restore") ? ExitStatus.RESTORE_FAILED.code() : ExitStatus.FAILED.code();
  }
}
