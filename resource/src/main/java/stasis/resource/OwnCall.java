package stasis.resource;

import java.util.ArrayList;
import java.util.List;
import stasis.linux.abi.Nr;

/// A call on the engine's own copy of a file, [Arg.Self], or what undoes one: it may be made by the engine or, after
/// the engine's end, by its keeper.
///
/// @param args [Arg.Imm], [Arg.Data], [Arg.Self], an [Arg.Struct] of the first two, and an [Arg.Result] of an earlier
///     call of the same list, by its index
public record OwnCall(Nr nr, List<Arg> args) {
  public OwnCall {
    args = List.copyOf(args);
    for (Arg arg : args) {
      if (!(arg instanceof Arg.Imm || arg instanceof Arg.Data || arg instanceof Arg.Self
          || arg instanceof Arg.Struct || arg instanceof Arg.Result)) {
        throw new IllegalArgumentException("a keeper cannot make a call with " + arg);
      }
    }
  }

  /// Two lists as one: what the second says of its own calls is still said of them.
  public static List<OwnCall> sequence(List<OwnCall> first, List<OwnCall> second) {
    var all = new ArrayList<>(first);
    for (OwnCall call : second) {
      all.add(new OwnCall(call.nr(), call.args().stream().map(arg -> arg instanceof Arg.Result(var of)
          ? Arg.result(new Ref<>(of.step() + first.size())) : arg).toList()));
    }
    return List.copyOf(all);
  }

  public static OwnCall of(Nr nr, Arg... args) {
    return new OwnCall(nr, List.of(args));
  }
}
