package stasis.resource;

import java.util.List;

/// How others are kept from changing a file while it is described: by calls with a lasting effect.
///
/// @param calls what keeps them off @param undo what takes back those, and whatever the kind does to the file while it
///     describes it and before the program is ended
public record Quiet(List<OwnCall> calls, List<OwnCall> undo) {
  public Quiet {
    calls = List.copyOf(calls);
    undo = List.copyOf(undo);
  }
}
