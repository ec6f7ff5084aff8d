package stasis.cli;

/// Entry point of `bin/stasis`.
final class Main {
  private Main() {}

  static void main(String[] args) {
    Console console = Console.ofThisProcess();
    Cancellation cancellation = new Cancellation();
    Signals.cancelWith(cancellation, console);
    int status = new CommandTree(new Session(console, new LibraryEngine(CommandTree.version()), cancellation, Signals::relayTo)).run(args);
    console.out().flush();
    // Relayed and cancelling handlers hang on threads that would keep the JVM.
    System.exit(status);
  }
}
