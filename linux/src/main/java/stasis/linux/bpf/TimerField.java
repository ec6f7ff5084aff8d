package stasis.linux.bpf;

import java.util.List;

/// What is read of each POSIX timer, from its k_itimer (include/linux/posix-timers.h).
enum TimerField implements KernelField {
  ID("it_id"),
  CLOCK("it_clock"),
  NOTIFY("it_sigev_notify"),
  SIGNAL_STRUCT("it_signal"),
  /// Up to Linux 6.12 only whether it is armed, and not for CPU clocks; [#REQUEUES] tells the rest.
  STATUS("it_status", "it_active"),
  /// An odd number while a signal of an interval timer waits to be taken. Up to Linux 6.12.
  REQUEUES(false, "it_requeue_pending"),
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
  private final boolean required;
  @SuppressWarnings("ImmutableEnumChecker") // List.of() makes it so
  private final List<String> expressions;

  TimerField(String... expressions) {
    this(Form.COPY, true, expressions);
  }

  TimerField(boolean required, String... expressions) {
    this(Form.COPY, required, expressions);
  }

  TimerField(Form form, String... expressions) {
    this(form, true, expressions);
  }

  TimerField(Form form, boolean required, String... expressions) {
    this.form = form;
    this.required = required;
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

  @Override
  public boolean required() {
    return required;
  }
}
