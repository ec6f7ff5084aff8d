package stasis.procfs;

import java.math.BigDecimal;
import java.util.Optional;

/// `/proc/PID/sched` of one task (kernel/sched/debug.c, proc_sched_show_task()); there only with CONFIG_SCHED_DEBUG.
public record Sched(Fields fields) {
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
    return fields.first(key).map(value -> new BigDecimal(value).movePointRight(6).longValue());
  }
}
