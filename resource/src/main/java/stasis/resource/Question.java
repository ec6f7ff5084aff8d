package stasis.resource;

import java.util.List;
import stasis.linux.abi.Nr;

/// A syscall without lasting effect whose answer describes a task. How it is answered is the engine's business: from
/// fields a BPF iterator read, or by a parachuted errand in the task; a kind cannot tell.
///
/// @param args [Arg.Imm], [Arg.Data] and [Arg.Space] only; those left out are 0
public record Question(Nr nr, List<Arg> args) {
  public Question {
    args = List.copyOf(args);
    for (Arg arg : args) {
      if (!(arg instanceof Arg.Imm || arg instanceof Arg.Data || arg instanceof Arg.Space)) {
        throw new IllegalArgumentException("a question cannot depend on another call: " + arg);
      }
    }
  }

  public static Question of(Nr nr, Arg... args) {
    return new Question(nr, List.of(args));
  }
}
