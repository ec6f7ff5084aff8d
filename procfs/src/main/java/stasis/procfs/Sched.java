package stasis.procfs;

import java.util.Optional;

/// `/proc/PID/sched` of one task (kernel/sched/debug.c, proc_sched_show_task()); there only with CONFIG_SCHED_DEBUG.
public record Sched(Fields fields) {
  private static final long NS_IN_MS = 1_000_000;

  public static Sched parse(String text) {
    return new Sched(Fields.parse(text));
  }

  /// When the task last ran, nanoseconds of the scheduler's clock; for a sleeper near to when it fell asleep.
  public Optional<Long> execStartNs() {
    return millisecondsAsNs("se.exec_start");
  }

  public Optional<Long> sumExecRuntimeNs() {
    return millisecondsAsNs("se.sum_exec_runtime");
  }

  private Optional<Long> millisecondsAsNs(String key) {
    return fields.first(key).map(Sched::ns);
  }

  /// The kernel prints six places after the point (SPLIT_NS()). Without BigDecimal, which costs a cold start 8 ms.
  private static long ns(String milliseconds) {
    int point = milliseconds.indexOf('.');
    if (point < 0) {
      return Long.parseLong(milliseconds) * NS_IN_MS;
    }
    long whole = Long.parseLong(milliseconds.substring(0, point)) * NS_IN_MS;
    long rest = Long.parseLong((milliseconds.substring(point + 1) + "000000").substring(0, 6));
    return milliseconds.startsWith("-") ? whole - rest : whole + rest;
  }
}
