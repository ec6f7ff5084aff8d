package stasis.cli;

import java.util.Locale;
import java.util.function.LongSupplier;

/// Shows long work on stderr: phase, bytes, rate, time left. On a terminal one line is overwritten, ten times a second;
/// elsewhere a line is added every five seconds, so that logs stay short.
///
/// Called by one thread at a time.
final class Progress implements Engine.Watcher {
  private static final long TERMINAL_INTERVAL_NS = 100_000_000L;
  private static final long LOG_INTERVAL_NS = 5_000_000_000L;

  /// How much is shown.
  enum Detail {
    QUIET,
    NORMAL,
    /// A line for every remote call, too.
    VERBOSE
  }

  private final Console console;
  private final Detail detail;
  private final Cancellation cancellation;
  private final LongSupplier clockNs;
  private String phase = "";
  private long phaseBeganNs;
  private long shownNs;
  private boolean lineOpen;

  Progress(Console console, Detail detail, Cancellation cancellation, LongSupplier clockNs) {
    this.console = console;
    this.detail = detail;
    this.cancellation = cancellation;
    this.clockNs = clockNs;
  }

  @Override
  public synchronized void phase(String name) {
    phase = name;
    phaseBeganNs = clockNs.getAsLong();
    shownNs = phaseBeganNs;
    if (detail == Detail.VERBOSE) {
      line(name);
    }
  }

  @Override
  public synchronized void bytes(long done, long total) {
    long now = clockNs.getAsLong();
    long interval = console.errIsTerminal() ? TERMINAL_INTERVAL_NS : LOG_INTERVAL_NS;
    if (detail == Detail.QUIET || now - shownNs < interval) {
      return;
    }
    shownNs = now;
    String text = describe(done, total, now - phaseBeganNs);
    if (console.errIsTerminal()) {
      // Erase to the end of the line (ECMA-48 EL), so that a shorter text leaves nothing of a longer one.
      console.err().print("\r" + text + "\u001b[K");
      console.err().flush();
      lineOpen = true;
    } else {
      console.err().println(text);
    }
  }

  @Override
  public synchronized void remoteCall(String text) {
    if (detail == Detail.VERBOSE) {
      line(text);
    }
  }

  @Override
  public boolean wantsCalls() {
    return detail == Detail.VERBOSE;
  }

  @Override
  public boolean cancelled() {
    return cancellation.requested();
  }

  /// Takes the overwritten line away, before anything else is printed.
  synchronized void finish() {
    if (lineOpen) {
      console.err().print("\r\u001b[K");
      console.err().flush();
      lineOpen = false;
    }
  }

  private void line(String text) {
    finish();
    console.err().println(text);
  }

  private String describe(long done, long total, long elapsedNs) {
    double bytesPerSecond = elapsedNs == 0 ? 0 : done * 1e9 / elapsedNs;
    String left = bytesPerSecond > 0 && total > done
        ? ", " + Units.duration((long) ((total - done) / bytesPerSecond * 1e9)) + " left" : "";
    return String.format(Locale.ROOT, "%s: %s of %s (%d %%), %s/s%s", phase, Units.bytes(done), Units.bytes(total),
        total == 0 ? 100 : done * 100 / total, Units.bytes((long) bytesPerSecond), left);
  }
}
