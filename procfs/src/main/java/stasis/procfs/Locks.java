package stasis.procfs;

import java.util.ArrayList;
import java.util.List;

/// `/proc/locks`, or the `lock:` lines of an fdinfo (proc_locks(5); fs/locks.c, lock_get_status()).
public record Locks(List<Lock> list) {
  /// @param kind `POSIX`, `OFDLCK`, `FLOCK`, `LEASE`, `DELEG`
  /// @param mode `ADVISORY`, `MANDATORY`, `ACTIVE`, `BREAKING`…
  /// @param type `READ`, `WRITE` or `UNLCK` @param owner tgid, -1 for OFD locks and 0 outside the reader's namespace
  /// @param first byte @param last byte, [#END] to the end of the file @param blocked waits behind the lock before it
  public record Lock(String kind, String mode, String type, int owner, Device device, long inode, long first, long last,
      boolean blocked) {
    /// `EOF`: the lock has no last byte. OFFSET_MAX of the kernel.
    public static final long END = Long.MAX_VALUE;

    static Lock parse(String line) {
      String[] words = line.strip().split("\\s+");
      boolean blocked = words.length > 1 && words[1].equals("->");
      int at = blocked ? 2 : 1;
      if (words.length < at + 7) {
        throw new ProcFormatException("locks", "nine words", line);
      }
      String[] file = words[at + 4].split(":");
      try {
        return new Lock(words[at], words[at + 1], words[at + 2], Integer.parseInt(words[at + 3]),
            new Device(Integer.parseInt(file[0], 16), Integer.parseInt(file[1], 16)), Long.parseUnsignedLong(file[2]),
            Long.parseLong(words[at + 5]), words[at + 6].equals("EOF") ? END : Long.parseLong(words[at + 6]), blocked);
      } catch (NumberFormatException | ArrayIndexOutOfBoundsException _) {
        throw new ProcFormatException("locks", "owner major:minor:inode first last", line);
      }
    }
  }

  public Locks {
    list = List.copyOf(list);
  }

  public static Locks parse(String text) {
    var list = new ArrayList<Lock>();
    for (String line : text.split("\n")) {
      if (!line.isBlank()) {
        list.add(Lock.parse(line));
      }
    }
    return new Locks(list);
  }
}
