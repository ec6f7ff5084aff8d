package stasis.engine;

import java.util.List;
import stasis.linux.abi.Fd;

/// In whose stead a resident engine restores: what of a restorer a program may come to have is then that one's.
///
/// @param stdio this process's copies of its standard input, output and error
public record Stead(List<Fd> stdio) {
  public Stead {
    stdio = List.copyOf(stdio);
    if (stdio.size() != StubFiles.STDIO) {
      throw new IllegalArgumentException("standard descriptors are three, not " + stdio.size());
    }
  }

  /// The engine's own.
  static Stead own() {
    return new Stead(List.of(new Fd(0), new Fd(1), new Fd(2)));
  }
}
