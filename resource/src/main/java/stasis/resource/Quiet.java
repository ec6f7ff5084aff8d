package stasis.resource;

import java.util.List;

/// How others are kept from changing a file while it is described: by calls with a lasting effect.
///
/// @param calls what keeps them off @param undo what takes back those, and whatever the kind does to the file while it
///     describes it @param unmute what takes back [FileKind#muting], if that was begun
/// @param last what is made after all undos, once for all files that name the same
public record Quiet(List<OwnCall> calls, List<OwnCall> undo, List<OwnCall> unmute, List<OwnCall> last) {
  public Quiet {
    calls = List.copyOf(calls);
    undo = List.copyOf(undo);
    unmute = List.copyOf(unmute);
    last = List.copyOf(last);
  }
}
