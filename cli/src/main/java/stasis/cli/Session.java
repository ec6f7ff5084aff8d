package stasis.cli;

import java.util.function.Consumer;
import java.util.function.IntConsumer;

/// What every verb is given.
///
/// @param relaySignals from then on signals sent to this process go to the program it is given
/// @param leave lets whoever asked go, with status 0; there is work left to do that it need not wait for
record Session(Console console, Engine engine, Cancellation cancellation, Consumer<IntConsumer> relaySignals,
    Runnable leave) {
  /// Who asked waits to the end.
  Session(Console console, Engine engine, Cancellation cancellation, Consumer<IntConsumer> relaySignals) {
    this(console, engine, cancellation, relaySignals, () -> { });
  }
}
