package stasis.procfs;

import java.util.ArrayList;
import java.util.List;

/// `/proc/PID/timers`: the POSIX timers of a thread group, without their remaining time (proc_pid_timers(5);
/// fs/proc/base.c, show_timer()).
public record Timers(List<Timer> list) {
  /// @param signal of the notification @param value `sigev_value`, a pointer or number of the program
  /// @param notification `signal`, `none` or `thread` @param target tid or pid the kernel notifies
  /// @param threadDirected whether `target` is one thread (SIGEV_THREAD_ID)
  /// @param clock `CLOCK_*`, or negative: an encoded CPU clock (include/uapi/linux/time.h)
  public record Timer(
      int id, int signal, long value, String notification, int target, boolean threadDirected, int clock) {}

  public Timers {
    list = List.copyOf(list);
  }

  public static Timers parse(String text) {
    List<Fields.Field> lines = Fields.parse(text).list();
    var timers = new ArrayList<Timer>();
    for (int at = 0; at < lines.size(); at++) {
      if (!lines.get(at).key().equals("ID")) {
        continue;
      }
      int next = at + 1;
      while (next < lines.size() && !lines.get(next).key().equals("ID")) {
        next++;
      }
      timers.add(timer(Fields.of(lines.subList(at, next))));
    }
    return new Timers(timers);
  }

  private static Timer timer(Fields lines) {
    String[] signal = lines.required("signal").split("/");
    String[] notify = lines.required("notify").split("[/.]");
    if (signal.length != 2 || notify.length != 3) {
      throw new ProcFormatException("timers", "signal: N/value and notify: how/who.N", lines.toString());
    }
    return new Timer((int) lines.decimal("ID"), Integer.parseInt(signal[0]), value(signal[1]), notify[0],
        Integer.parseInt(notify[2]), notify[1].equals("tid"), (int) lines.decimal("ClockID"));
  }

  private static long value(String pointer) {
    return Long.parseUnsignedLong(pointer.startsWith("0x") ? pointer.substring(2) : pointer, 16);
  }
}
