package stasis.engine;

import java.util.Arrays;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/// Stretches of a stream that are to be wiped. They may overlap. For one thread.
final class Marks {
  private final NavigableMap<Long, Long> ends = new TreeMap<>();

  void add(long from, long to) {
    ends.merge(from, to, Math::max);
  }

  /// Wipes what is marked of a part of the stream, and forgets marks that end in it.
  ///
  /// @param at where in the stream the bytes begin @return whether anything was
  boolean wipe(byte[] bytes, long at, int lengthBytes) {
    boolean wiped = false;
    for (Map.Entry<Long, Long> mark : ends.headMap(at + lengthBytes, false).entrySet()) {
      int from = (int) (Math.max(mark.getKey(), at) - at);
      int to = (int) (Math.min(mark.getValue(), at + lengthBytes) - at);
      if (from < to) {
        Arrays.fill(bytes, from, to, (byte) 0);
        wiped = true;
      }
    }
    ends.headMap(at + lengthBytes, false).values().removeIf(end -> end <= at + lengthBytes);
    return wiped;
  }
}
