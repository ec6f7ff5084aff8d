package stasis.linux.bpf;

import static stasis.linux.bpf.GroupField.ACTIONS;
import static stasis.linux.bpf.GroupField.ARG_END;
import static stasis.linux.bpf.GroupField.ARG_START;
import static stasis.linux.bpf.GroupField.BRK;
import static stasis.linux.bpf.GroupField.CPU_SYSTEM;
import static stasis.linux.bpf.GroupField.CPU_USER;
import static stasis.linux.bpf.GroupField.DEF_FLAGS;
import static stasis.linux.bpf.GroupField.END_CODE;
import static stasis.linux.bpf.GroupField.END_DATA;
import static stasis.linux.bpf.GroupField.ENV_END;
import static stasis.linux.bpf.GroupField.ENV_START;
import static stasis.linux.bpf.GroupField.LDT;
import static stasis.linux.bpf.GroupField.MEMBARRIER;
import static stasis.linux.bpf.GroupField.MM_FLAGS;
import static stasis.linux.bpf.GroupField.NEXT_TIMER_ID;
import static stasis.linux.bpf.GroupField.PAST_RUNTIME;
import static stasis.linux.bpf.GroupField.PKEYS;
import static stasis.linux.bpf.GroupField.PROF_EXPIRES;
import static stasis.linux.bpf.GroupField.PROF_INCREMENT;
import static stasis.linux.bpf.GroupField.REAL_EXPIRES;
import static stasis.linux.bpf.GroupField.REAL_INCREMENT;
import static stasis.linux.bpf.GroupField.REAL_STATE;
import static stasis.linux.bpf.GroupField.SIGNAL_FLAGS;
import static stasis.linux.bpf.GroupField.START_BRK;
import static stasis.linux.bpf.GroupField.START_CODE;
import static stasis.linux.bpf.GroupField.START_DATA;
import static stasis.linux.bpf.GroupField.START_STACK;
import static stasis.linux.bpf.GroupField.SUBREAPER;
import static stasis.linux.bpf.GroupField.UNTAG_MASK;
import static stasis.linux.bpf.GroupField.VIRTUAL_EXPIRES;
import static stasis.linux.bpf.GroupField.VIRTUAL_INCREMENT;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SigSet;
import stasis.linux.abi.Tid;

/// Turns a thread group's records into a [HiddenGroup.Shared]. Pure.
final class GroupRecords {
  private static final int HRTIMER_STATE_ENQUEUED = 1;

  private GroupRecords() {}

  static HiddenGroup.Shared decode(Row<GroupField> row, List<PosixTimer> timers) {
    long user = row.unsigned(CPU_USER);
    return new HiddenGroup.Shared(actions(row), timers, optional(row, NEXT_TIMER_ID),
        new HiddenGroup.ItimerReal((row.int32(REAL_STATE) & HRTIMER_STATE_ENQUEUED) != 0, row.unsigned(REAL_EXPIRES),
            row.unsigned(REAL_INCREMENT)),
        new HiddenGroup.ItimerCpu(row.unsigned(VIRTUAL_EXPIRES), row.unsigned(VIRTUAL_INCREMENT), user),
        new HiddenGroup.ItimerCpu(row.unsigned(PROF_EXPIRES), row.unsigned(PROF_INCREMENT),
            user + row.unsigned(CPU_SYSTEM)),
        row.flag(SUBREAPER), row.int32(SIGNAL_FLAGS),
        row.unsigned(PAST_RUNTIME),
        mm(row));
  }

  private static HiddenGroup.Mm mm(Row<GroupField> row) {
    return new HiddenGroup.Mm(row.unsigned(MM_FLAGS), row.unsigned(DEF_FLAGS), optional(row, MEMBARRIER),
        row.address(START_CODE), row.address(END_CODE), row.address(START_DATA), row.address(END_DATA),
        row.address(START_BRK), row.address(BRK), row.address(START_STACK), row.address(ARG_START),
        row.address(ARG_END), row.address(ENV_START), row.address(ENV_END), optional(row, PKEYS),
        row.has(LDT) && row.flag(LDT),
        row.has(UNTAG_MASK) ? Optional.of(row.unsigned(UNTAG_MASK)) : Optional.empty());
  }

  private static Optional<Integer> optional(Row<GroupField> row, GroupField field) {
    return row.has(field) ? Optional.of(row.int32(field)) : Optional.empty();
  }

  private static List<SigAction> actions(Row<GroupField> row) {
    ByteBuffer table = row.bytes(ACTIONS).buffer();
    var actions = new ArrayList<SigAction>(SigAction.COUNT);
    for (int at = 0; at < SigAction.COUNT * SigAction.BYTES; at += SigAction.BYTES) {
      actions.add(new SigAction(new RemoteAddress(table.getLong(at)), table.getLong(at + 8),
          new RemoteAddress(table.getLong(at + 16)), new SigSet(table.getLong(at + 24))));
    }
    return actions;
  }

  static PosixTimer timer(Row<TimerField> row) {
    int clock = row.int32(TimerField.CLOCK);
    boolean cpu = PosixTimer.isCpuClock(clock);
    boolean alarm = PosixTimer.isAlarmClock(clock);
    TimerField expiry = cpu ? TimerField.CPU_EXPIRES : alarm ? TimerField.ALARM_EXPIRES : TimerField.HRTIMER_EXPIRES;
    return new PosixTimer(row.int32(TimerField.ID), clock, row.int32(TimerField.NOTIFY),
        row.int32(TimerField.SIGNAL_NUMBER), tid(row, TimerField.TARGET),
        cpu ? tid(row, TimerField.CPU_TASK) : Optional.empty(), row.address(TimerField.SIGNAL_VALUE),
        status(row, cpu), row.unsigned(TimerField.OVERRUN_LAST),
        row.unsigned(TimerField.INTERVAL), cpu || alarm ? clock : row.int32(TimerField.HRTIMER_CLOCK),
        row.unsigned(expiry));
  }

  /// As the it_status of Linux 6.13 says it. Before, a timer of a CPU clock was armed while it had a time
  /// (kernel/time/posix-cpu-timers.c, cpu_timer_fire()), and any other while it_active was set; an interval timer whose
  /// signal waited had an odd it_requeue_pending (kernel/time/posix-timers.c, posix_timer_fn()).
  private static int status(Row<TimerField> row, boolean cpu) {
    if (!row.has(TimerField.REQUEUES)) {
      return row.int32(TimerField.STATUS);
    }
    boolean counts = row.flag(cpu ? TimerField.CPU_EXPIRES : TimerField.STATUS);
    boolean waits = row.flag(TimerField.INTERVAL) && (row.int32(TimerField.REQUEUES) & 1) != 0;
    return waits && (cpu || !counts) ? PosixTimer.REQUEUE_PENDING : counts ? 1 : 0;
  }

  private static Optional<Tid> tid(Row<TimerField> row, TimerField field) {
    int number = row.int32(field);
    return number > 0 ? Optional.of(new Tid(number)) : Optional.empty();
  }

  static SemUndo undo(Row<UndoField> row) {
    ByteBuffer table = row.bytes(UndoField.ADJUSTMENTS).buffer();
    var shown = new ArrayList<Short>(SemUndo.SHOWN_MAX);
    for (int i = 0; i < SemUndo.SHOWN_MAX; i++) {
      shown.add(table.getShort(2 * i));
    }
    return new SemUndo(row.int32(UndoField.SEMID), shown);
  }
}
