package stasis.cli;

/// Entry point of `bin/stasis`.
final class Main {
  private Main() {}

  static void main(String[] args) {
    Console console = Console.ofThisProcess();
    Cancellation cancellation = new Cancellation();
    Signals.cancelWith(cancellation, console);
    Session session = new Session(console, new LibraryEngine(Build.version()), cancellation, Signals::relayTo,
        () -> StatusFd.leave(console, System.getenv()));
    int status = Line.run(session, args);
    console.out().flush();
    StatusFd.of(System.getenv()).ifPresent(waiting -> waiting.say(status));
    // Relayed and cancelling handlers hang on threads that would keep the JVM.
    System.exit(status);
  }
}
