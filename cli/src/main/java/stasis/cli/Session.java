package stasis.cli;

import java.util.function.Consumer;
import java.util.function.IntConsumer;

/// What every verb is given.
///
/// @param relaySignals from then on signals sent to this process go to the program it is given
record Session(Console console, Engine engine, Cancellation cancellation, Consumer<IntConsumer> relaySignals) {}
