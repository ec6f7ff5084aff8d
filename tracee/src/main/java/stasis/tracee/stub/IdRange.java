package stasis.tracee.stub;

import java.util.List;

/// One line of a user namespace's id map, user_namespaces(7). The ids are unsigned in the kernel; those a map can
/// usefully name fit an int.
public record IdRange(int inside, int outside, int count) {
  public IdRange {
    if (inside < 0 || outside < 0 || count <= 0) {
      throw new IllegalArgumentException("ids are >= 0 and a range has at least one");
    }
  }

  /// The only map an ordinary user may write: its own id, kept as it is.
  public static List<IdRange> own(int id) {
    return List.of(new IdRange(id, id, 1));
  }

  String line() {
    return inside + " " + outside + " " + count + "\n";
  }
}
