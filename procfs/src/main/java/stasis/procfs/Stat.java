package stasis.procfs;

import java.util.AbstractList;
import java.util.Arrays;
import java.util.List;
import java.util.RandomAccess;

/// `/proc/PID/stat` (proc_pid_stat(5)): 52 fields in one line. comm may hold blanks, parentheses and newlines; it ends
/// at the last `)`.
///
/// @param numbers fields 4 to 52, signed or unsigned as the kernel prints them; a newer kernel's further fields follow
public record Stat(int pid, String comm, char state, List<Long> numbers) {
  private static final int FIRST_NUMBER = 4;
  private static final int LAST_FIELD = 52;

  public Stat {
    numbers = numbers instanceof Numbers ? numbers : new Numbers(numbers.stream().mapToLong(Long::longValue).toArray());
  }

  /// Unboxed: there is one for each thread, and the boxes of fifty numbers are a kilobyte.
  private static final class Numbers extends AbstractList<Long> implements RandomAccess {
    private final long[] values;

    Numbers(long[] values) {
      this.values = values;
    }

    @Override
    public Long get(int index) {
      return values[index];
    }

    @Override
    public int size() {
      return values.length;
    }
  }

  public static Stat parse(String latin1) {
    int open = latin1.indexOf(" (");
    int close = latin1.lastIndexOf(") ");
    if (open < 0 || close < open || close + 3 > latin1.length()) {
      throw new ProcFormatException("stat", "pid (comm) state", latin1);
    }
    try {
      String rest = latin1.substring(close + 3).strip();
      long[] numbers = new long[LAST_FIELD - FIRST_NUMBER + 1];
      int count = 0;
      for (int at = 0; at <= rest.length(); count++) {
        int blank = rest.indexOf(' ', at);
        int end = blank < 0 ? rest.length() : blank;
        if (count == numbers.length) {
          numbers = Arrays.copyOf(numbers, 2 * count);
        }
        numbers[count] = rest.startsWith("-", at) ? Long.parseLong(rest, at, end, 10)
            : Long.parseUnsignedLong(rest, at, end, 10);
        at = end + 1;
      }
      if (count < LAST_FIELD - FIRST_NUMBER + 1) {
        throw new ProcFormatException("stat", LAST_FIELD + " fields", latin1);
      }
      return new Stat(Integer.parseInt(latin1.substring(0, open)), latin1.substring(open + 2, close),
          latin1.charAt(close + 2), new Numbers(Arrays.copyOf(numbers, count)));
    } catch (NumberFormatException e) {
      throw new ProcFormatException("stat", "numbers (" + e.getMessage() + ")", latin1);
    }
  }

  /// Field by its number in the manual page, 4 to 52.
  public long field(int number) {
    return numbers.get(number - FIRST_NUMBER);
  }

  public int ppid() {
    return (int) field(4);
  }

  public int pgrp() {
    return (int) field(5);
  }

  public int session() {
    return (int) field(6);
  }

  /// Controlling terminal, as `st_rdev` would have it; 0:0 for none.
  public Device tty() {
    return Device.ofStat(field(7) & 0xffff_ffffL);
  }

  /// Foreground group of the terminal, -1 without one.
  public int tpgid() {
    return (int) field(8);
  }

  /// `PF_*` of the kernel.
  public long flags() {
    return field(9);
  }

  public long minflt() {
    return field(10);
  }

  public long cminflt() {
    return field(11);
  }

  public long majflt() {
    return field(12);
  }

  public long cmajflt() {
    return field(13);
  }

  /// Clock ticks, sysconf(_SC_CLK_TCK) a second; so are the next three.
  public long utime() {
    return field(14);
  }

  public long stime() {
    return field(15);
  }

  public long cutime() {
    return field(16);
  }

  public long cstime() {
    return field(17);
  }

  /// As the kernel shows it: 20 + nice, or -1 - real-time priority.
  public int priority() {
    return (int) field(18);
  }

  public int nice() {
    return (int) field(19);
  }

  public int threads() {
    return (int) field(20);
  }

  /// Clock ticks after boot. With the pid it names a task for good.
  public long startTime() {
    return field(22);
  }

  public long vsizeBytes() {
    return field(23);
  }

  public long rssPages() {
    return field(24);
  }

  /// Bytes; unsigned, all ones for unlimited.
  public long rssLimit() {
    return field(25);
  }

  /// Reads 0 without ptrace access, as do all addresses below.
  public long startCode() {
    return field(26);
  }

  public long endCode() {
    return field(27);
  }

  public long startStack() {
    return field(28);
  }

  public int exitSignal() {
    return (int) field(38);
  }

  public int processor() {
    return (int) field(39);
  }

  /// 0, or 1 to 99.
  public int realTimePriority() {
    return (int) field(40);
  }

  /// `SCHED_*` of sched(7).
  public int policy() {
    return (int) field(41);
  }

  public long startData() {
    return field(45);
  }

  public long endData() {
    return field(46);
  }

  public long startBrk() {
    return field(47);
  }

  public long argStart() {
    return field(48);
  }

  public long argEnd() {
    return field(49);
  }

  public long envStart() {
    return field(50);
  }

  public long envEnd() {
    return field(51);
  }

  public int exitCode() {
    return (int) field(52);
  }
}
