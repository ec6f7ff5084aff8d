package stasis.procfs;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import stasis.linux.abi.Bytes;

/// `/proc/PID/auxv`: what execve(2) told the program (getauxval(3)). Pairs of 64-bit words of the task's own width; the
/// closing AT_NULL is not listed.
///
/// @param bytes as read; PR_SET_MM_MAP takes them back
public record Auxv(List<Entry> entries, Bytes bytes) {
  public static final long AT_PHDR = 3;
  public static final long AT_BASE = 7;
  public static final long AT_ENTRY = 9;
  public static final long AT_HWCAP = 16;
  public static final long AT_RANDOM = 25;
  public static final long AT_EXECFN = 31;
  public static final long AT_SYSINFO_EHDR = 33;
  private static final int PAIR_BYTES = 16;

  public record Entry(long type, long value) {}

  public Auxv {
    entries = List.copyOf(entries);
  }

  /// @throws ProcFormatException if the length is not that of 64-bit pairs, as for a 32-bit task
  public static Auxv parse(Bytes bytes) {
    if (bytes.length() % PAIR_BYTES != 0) {
      throw new ProcFormatException("auxv", "pairs of 64-bit words", bytes.length() + " bytes");
    }
    var entries = new ArrayList<Entry>();
    for (int at = 0; at < bytes.length() && bytes.u64(at) != 0; at += PAIR_BYTES) {
      entries.add(new Entry(bytes.u64(at), bytes.u64(at + 8)));
    }
    return new Auxv(entries, bytes);
  }

  public OptionalLong value(long type) {
    return entries.stream().filter(entry -> entry.type == type).mapToLong(Entry::value).findFirst();
  }
}
