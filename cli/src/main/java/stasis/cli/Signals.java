package stasis.cli;

import java.lang.reflect.Proxy;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;

/// Signals sent to this process. Until a program runs under us they cancel; from then on they are the program's.
///
/// `sun.misc.Signal` is the one way to hear a signal in Java. It is named by reflection, because javac warns of it in a
/// way that nothing can silence, and warnings are errors here.
final class Signals {
  /// What a shell or a supervisor sends a foreground program. Not QUIT, USR1 and USR2: the JVM keeps those.
  private static final List<String> RELAYED = List.of("HUP", "INT", "TERM", "WINCH", "CONT", "TSTP", "ALRM");

  private Signals() {}

  /// First signal: cancel. Second: still cancelling. Third: gone; what was injected lets its target go by itself.
  static void cancelWith(Cancellation cancellation, Console console) {
    AtomicInteger count = new AtomicInteger();
    for (String name : List.of("INT", "TERM")) {
      handle(name, _ -> {
        switch (count.incrementAndGet()) {
          case 1 -> cancellation.request();
          case 2 -> console.say("still letting go of everything; once more ends at once");
          default -> Runtime.getRuntime().halt(ExitStatus.CANCELLED.code());
        }
      });
    }
  }

  /// @param program told the number of each signal from now on
  static void relayTo(IntConsumer program) {
    RELAYED.forEach(name -> handle(name, program));
  }

  /// @param name without SIG @param handler called on a thread of its own
  static void handle(String name, IntConsumer handler) {
    try {
      Class<?> type = Class.forName("sun.misc.Signal");
      Class<?> handlerType = Class.forName("sun.misc.SignalHandler");
      Object proxy = Proxy.newProxyInstance(handlerType.getClassLoader(), new Class<?>[] {handlerType},
          (_, method, arguments) -> switch (method.getName()) {
            case "handle" -> {
              handler.accept((int) type.getMethod("getNumber").invoke(arguments[0]));
              yield 0;
            }
            case "toString" -> "handler of " + name;
            default -> throw new AssertionError("nobody compares handlers");
          });
      type.getMethod("handle", type, handlerType).invoke(null, type.getConstructor(String.class).newInstance(name),
          proxy);
    } catch (ReflectiveOperationException e) {
      throw new LinkageError("no handler for SIG" + name, e);
    }
  }
}
