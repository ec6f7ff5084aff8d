package stasis.resource;

import java.util.List;
import stasis.linux.abi.Bytes;

/// An option of a socket that is asked for (getsockopt(2)).
///
/// @param roomBytes the longest value @param usual values that need not be told
public record OptionQuery(int level, int name, int roomBytes, List<Bytes> usual) {
  /// @param value as it was answered, at most as long as the room
  public record Found(OptionQuery of, Bytes value) {}

  public OptionQuery {
    usual = List.copyOf(usual);
  }
}
