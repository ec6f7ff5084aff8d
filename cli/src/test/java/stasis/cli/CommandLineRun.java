package stasis.cli;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/// One run of the command line on an engine, with everything it printed.
record CommandLineRun(int status, String out, String err) {
  static CommandLineRun of(Engine engine, String... args) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    Console console = new Console(new PrintStream(out, true, StandardCharsets.UTF_8),
        new PrintStream(err, true, StandardCharsets.UTF_8), false, false);
    // As if someone sent SIGTERM as soon as the program is there.
    Session session = new Session(console, engine, new Cancellation(), program -> program.accept(15));
    int status = Line.run(session, args);
    return new CommandLineRun(status, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }
}
