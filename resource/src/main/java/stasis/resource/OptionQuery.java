package stasis.resource;

import java.util.List;
import stasis.linux.abi.Bytes;

/// A question to getsockopt(2).
///
/// @param roomBytes the longest answer @param expected answers that need not be told
public record OptionQuery(int level, int name, int roomBytes, List<Bytes> expected) {
  public OptionQuery {
    expected = List.copyOf(expected);
  }
}
