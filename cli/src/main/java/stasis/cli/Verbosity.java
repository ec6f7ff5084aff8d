package stasis.cli;

import picocli.CommandLine.Option;

/// How much a verb says while it works.
final class Verbosity {
  @Option(names = {"-q", "--quiet"}, description = "Print errors only.")
  private boolean quiet;

  @Option(names = {"-v", "--verbose"}, description = "Print a line for every phase and every remote call.")
  private boolean verbose;

  static Verbosity of(boolean quiet, boolean verbose) {
    Verbosity verbosity = new Verbosity();
    verbosity.quiet = quiet;
    verbosity.verbose = verbose;
    return verbosity;
  }

  boolean quiet() {
    return quiet;
  }

  boolean verbose() {
    return verbose;
  }

  Progress progress(Session session) {
    Progress.Detail detail = quiet ? Progress.Detail.QUIET
        : verbose ? Progress.Detail.VERBOSE : Progress.Detail.NORMAL;
    return new Progress(session.console(), detail, session.cancellation(), System::nanoTime);
  }
}
