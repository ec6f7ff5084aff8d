package stasis.procfs;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The flags of one vma: those we know as a bit set, and the codes we do not know, which a checkpoint must refuse.
///
/// @param bits a sum of [VmFlag#bit] @param unknown codes of a newer kernel, in its order
public record VmFlags(long bits, List<String> unknown) {
  public static final VmFlags NONE = new VmFlags(0, List.of());
  private static final long[] BIT_BY_LETTERS = table();

  public VmFlags {
    unknown = List.copyOf(unknown);
  }

  private static long[] table() {
    long[] table = new long[26 * 26];
    for (VmFlag flag : VmFlag.values()) {
      table[index(flag.name().charAt(0) + 32, flag.name().charAt(1) + 32)] = flag.bit();
    }
    return table;
  }

  private static int index(int first, int second) {
    return first < 'a' || first > 'z' || second < 'a' || second > 'z' ? -1 : (first - 'a') * 26 + second - 'a';
  }

  public static VmFlags of(VmFlag... flags) {
    long bits = 0;
    for (VmFlag flag : flags) {
      bits |= flag.bit();
    }
    return new VmFlags(bits, List.of());
  }

  /// @param text blank-separated codes between `from` and `to`
  static VmFlags parse(byte[] text, int from, int to) {
    long bits = 0;
    List<String> unknown = List.of();
    int at = from;
    while (at < to) {
      if (text[at] == ' ') {
        at++;
        continue;
      }
      int end = at;
      while (end < to && text[end] != ' ') {
        end++;
      }
      int index = end - at == 2 ? index(text[at], text[at + 1]) : -1;
      long bit = index < 0 ? 0 : BIT_BY_LETTERS[index];
      if (bit == 0) {
        unknown = unknown.isEmpty() ? new ArrayList<>() : unknown;
        unknown.add(new String(text, at, end - at, java.nio.charset.StandardCharsets.ISO_8859_1));
      } else {
        bits |= bit;
      }
      at = end;
    }
    return new VmFlags(bits, unknown);
  }

  /// Written out for the same reason as in [stasis.linux.abi.Tid].
  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof VmFlags flags && bits == flags.bits && unknown.equals(flags.unknown);
  }

  @Override
  public int hashCode() {
    return Long.hashCode(bits) + unknown.hashCode();
  }

  public boolean has(VmFlag flag) {
    return (bits & flag.bit()) != 0;
  }

  public VmFlags without(VmFlag flag) {
    return new VmFlags(bits & ~flag.bit(), unknown);
  }

  public Set<VmFlag> set() {
    var set = EnumSet.noneOf(VmFlag.class);
    for (VmFlag flag : VmFlag.values()) {
      if (has(flag)) {
        set.add(flag);
      }
    }
    return set;
  }

  /// The codes, known ones first in this enum's order.
  @Override
  public String toString() {
    var codes = new ArrayList<String>();
    set().forEach(flag -> codes.add(flag.code()));
    codes.addAll(unknown);
    return String.join(" ", codes);
  }
}
