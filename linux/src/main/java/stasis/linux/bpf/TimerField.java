package stasis.linux.bpf;

import java.util.List;

/// What is read of each POSIX timer, from its k_itimer (include/linux/posix-timers.h).
enum TimerField implements KernelField {
  ID("it_id"),
  CLOCK("it_clock"),
  NOTIFY("it_sigev_notify"),
  SIGNAL_STRUCT("it_signal"),
  STATUS("it_status"),
  OVERRUN_LAST("it_overrun_last"),
  INTERVAL("it_interval"),
  SIGNAL_NUMBER("sigq.info.si_signo", "sigq->info.si_signo"),
  SIGNAL_VALUE("sigq.info._sifields._timer._sigval", "sigq->info._sifields._timer._sigval"),
  HRTIMER_EXPIRES("it.real.timer.node.expires"),
  HRTIMER_CLOCK("it.real.timer.base->clockid"),
  CPU_EXPIRES("it.cpu.node.expires"),
  ALARM_EXPIRES("it.alarm.alarmtimer.node.expires"),
  CPU_TASK(Form.PID_NUMBER, "it.cpu.pid"),
  TARGET(Form.PID_NUMBER, "it_pid");

  private final Form form;
  @SuppressWarnings("ImmutableEnumChecker") // List.of() makes it so
  private final List<String> expressions;

  TimerField(String... expressions) {
    this(Form.COPY, expressions);
  }

  TimerField(Form form, String... expressions) {
    this.form = form;
    this.expressions = List.of(expressions);
  }

  @Override
  public List<String> expressions() {
    return expressions;
  }

  @Override
  public Form form() {
    return form;
  }
}
