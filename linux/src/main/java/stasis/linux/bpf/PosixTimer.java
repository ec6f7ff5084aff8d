package stasis.linux.bpf;

import java.util.Optional;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.Tid;

/// A timer made by timer_create(2), as its k_itimer holds it (include/linux/posix-timers.h).
///
/// @param id what timer_create(2) returned
/// @param clockId a `clockid_t` as the kernel keeps it: CLOCK_PROCESS_CPUTIME_ID became -6, CLOCK_THREAD_CPUTIME_ID -2,
///     which timer_create(2) takes as well
/// @param notification SIGEV_SIGNAL 0, SIGEV_NONE 1, SIGEV_THREAD_ID 4 (as a flag with SIGEV_SIGNAL)
/// @param target thread for SIGEV_THREAD_ID, else the thread group; empty if the task is gone
/// @param measured whose CPU time a CPU clock counts: a thread, or a thread group by its leader; empty for other
///     clocks
/// @param value `sigev_value` as given
/// @param status as it_status of Linux 6.13 and later: 0 disarmed, 1 armed, 2 expired with its signal still to be taken
/// @param overrunLast what timer_getoverrun(2) answers
/// @param intervalNs 0 for one shot
/// @param expiryClockId the clock `expiresNs` is on: `clockId`, but CLOCK_MONOTONIC for a CLOCK_REALTIME timer that was
///     set without TIMER_ABSTIME (kernel/time/posix-timers.c, common_hrtimer_arm)
/// @param expiresNs when it next expires, absolute, on the host's clock (CPU clocks: the task's or the group's CPU
///     time). A leftover while disarmed, except for SIGEV_NONE, which the kernel never marks as armed
public record PosixTimer(
    int id, int clockId, int notification, int signal, Optional<Tid> target, Optional<Tid> measured,
    RemoteAddress value, int status, long overrunLast, long intervalNs, int expiryClockId,
    long expiresNs) {
  static final int REQUEUE_PENDING = 2;

  /// `sigev_notify` without SIGEV_THREAD_ID's flag says how; this is "do not tell".
  public static final int SIGEV_NONE = 1;

  /// Whether it will expire: armed, waiting for its signal to be taken, or silent with a time set.
  public boolean armed() {
    return status != 0 || (notification == SIGEV_NONE && expiresNs != 0);
  }

  /// Time left as timer_gettime(2) answers; 0 if it is not armed or silently over. An interval timer that has expired
  /// and waits for its signal to be taken has missed what came since and expires next at the coming multiple
  /// (kernel/time/posix-timers.c, common_timer_get).
  ///
  /// @param nowNs time on `expiryClockId`
  public long leftNs(long nowNs) {
    if (!armed()) {
      return 0;
    }
    long leftNs = expiresNs - nowNs;
    if (leftNs > 0) {
      return leftNs;
    }
    boolean silent = notification == SIGEV_NONE;
    if (intervalNs > 0 && (silent || status == REQUEUE_PENDING)) {
      return intervalNs - -leftNs % intervalNs;
    }
    return silent ? 0 : 1;
  }

  /// Whether its clock is CPU time of a task or group (include/linux/posix-timers_types.h, CPUCLOCK_*; negative ids
  /// are of a named task, 2 and 3 the caller's own).
  public boolean onCpuClock() {
    return isCpuClock(clockId);
  }

  static boolean isCpuClock(int clockId) {
    return clockId < 0 || clockId == 2 || clockId == 3;
  }

  /// CLOCK_REALTIME_ALARM and CLOCK_BOOTTIME_ALARM.
  static boolean isAlarmClock(int clockId) {
    return clockId == 8 || clockId == 9;
  }
}
