package stasis.engine;

import java.util.Arrays;
import java.util.List;
import stasis.linux.abi.Bytes;

/// Finds secrets in a stream of bytes that comes in parts, each beginning with the end of the one before. For one
/// thread.
final class SecretScan {
  /// No value is longer: MAX_ARG_STRLEN (execve(2)).
  private static final int MAX_VALUE_BYTES = 128 << 10;

  private final List<byte[]> patterns;
  private final List<byte[]> prefixes;
  /// Where a value began whose end was not in sight, and where it ends at the latest.
  private long openFrom;
  private long openUntil;

  SecretScan(List<Bytes> patterns, List<String> variables) {
    this.patterns = patterns.stream().map(Bytes::toArray).toList();
    this.prefixes = variables.stream().map(Redaction::prefix).toList();
  }

  /// How much of a part the next one must begin with.
  int overlapBytes() {
    int longest = 1;
    for (byte[] pattern : patterns) {
      longest = Math.max(longest, pattern.length);
    }
    for (byte[] prefix : prefixes) {
      longest = Math.max(longest, prefix.length + 1); // and the byte before it
    }
    return longest;
  }

  /// @param at where in the stream the part begins
  void scan(byte[] bytes, int lengthBytes, long at, Marks marks) {
    if (openUntil > at) {
      value(bytes, (int) Math.max(0, openFrom - at), lengthBytes, at, openUntil, marks);
    }
    for (byte[] pattern : patterns) {
      for (int i = next(bytes, 0, lengthBytes, pattern); i >= 0; i = next(bytes, i + 1, lengthBytes, pattern)) {
        marks.add(at + i, at + i + pattern.length);
      }
    }
    for (byte[] prefix : prefixes) {
      for (int i = next(bytes, 0, lengthBytes, prefix); i >= 0; i = next(bytes, i + 1, lengthBytes, prefix)) {
        if (i == 0 ? at == 0 : !isNamePart(bytes[i - 1])) { // else it was judged in the part before
          int from = i + prefix.length;
          value(bytes, from, lengthBytes, at, at + from + MAX_VALUE_BYTES, marks);
        }
      }
    }
  }

  private void value(byte[] bytes, int from, int lengthBytes, long at, long until, Marks marks) {
    int end = from;
    while (end < lengthBytes && bytes[end] != 0 && at + end < until) {
      end++;
    }
    marks.add(at + from, at + end);
    boolean open = end == lengthBytes && at + end < until;
    if (open) {
      openFrom = at + end;
      openUntil = until;
    } else if (at + end >= openFrom) {
      openUntil = 0;
    }
  }

  private static boolean isNamePart(byte unit) {
    return unit == '_' || unit >= '0' && unit <= '9' || unit >= 'A' && unit <= 'Z' || unit >= 'a' && unit <= 'z';
  }

  /// @return -1 where there is no more
  private static int next(byte[] bytes, int from, int lengthBytes, byte[] wanted) {
    byte first = wanted[0];
    for (int i = from; i <= lengthBytes - wanted.length; i++) {
      if (bytes[i] == first && Arrays.equals(bytes, i, i + wanted.length, wanted, 0, wanted.length)) {
        return i;
      }
    }
    return -1;
  }
}
