package stasis.linux.bpf;

import static stasis.linux.bpf.ThreadField.ATOMIC_FLAGS;
import static stasis.linux.bpf.ThreadField.BLOCKED;
import static stasis.linux.bpf.ThreadField.CLEAR_CHILD_TID;
import static stasis.linux.bpf.ThreadField.DEFAULT_TIMER_SLACK;
import static stasis.linux.bpf.ThreadField.DISPATCH_BYTES;
import static stasis.linux.bpf.ThreadField.DISPATCH_OFFSET;
import static stasis.linux.bpf.ThreadField.DISPATCH_SELECTOR;
import static stasis.linux.bpf.ThreadField.EXEC_START;
import static stasis.linux.bpf.ThreadField.EXIT_SIGNAL;
import static stasis.linux.bpf.ThreadField.EXIT_STATE;
import static stasis.linux.bpf.ThreadField.FLAGS;
import static stasis.linux.bpf.ThreadField.FUTEX_BITSET;
import static stasis.linux.bpf.ThreadField.FUTEX_EXPIRES;
import static stasis.linux.bpf.ThreadField.FUTEX_FLAGS;
import static stasis.linux.bpf.ThreadField.FUTEX_VALUE;
import static stasis.linux.bpf.ThreadField.FUTEX_WORD;
import static stasis.linux.bpf.ThreadField.IOPL;
import static stasis.linux.bpf.ThreadField.IO_BITMAP;
import static stasis.linux.bpf.ThreadField.IO_CONTEXT;
import static stasis.linux.bpf.ThreadField.IO_PRIORITY;
import static stasis.linux.bpf.ThreadField.IO_SHARERS;
import static stasis.linux.bpf.ThreadField.IO_URING;
import static stasis.linux.bpf.ThreadField.JOBCTL;
import static stasis.linux.bpf.ThreadField.MEMPOLICY;
import static stasis.linux.bpf.ThreadField.MEMPOLICY_FLAGS;
import static stasis.linux.bpf.ThreadField.MEMPOLICY_MODE;
import static stasis.linux.bpf.ThreadField.MEMPOLICY_NODES;
import static stasis.linux.bpf.ThreadField.MEMPOLICY_USER_NODES;
import static stasis.linux.bpf.ThreadField.MM;
import static stasis.linux.bpf.ThreadField.NSPROXY;
import static stasis.linux.bpf.ThreadField.PDEATH_SIGNAL;
import static stasis.linux.bpf.ThreadField.PERF_EVENTS;
import static stasis.linux.bpf.ThreadField.PERSONALITY;
import static stasis.linux.bpf.ThreadField.POLL_COUNT;
import static stasis.linux.bpf.ThreadField.POLL_FDS;
import static stasis.linux.bpf.ThreadField.POLL_HAS_TIMEOUT;
import static stasis.linux.bpf.ThreadField.POLL_NANOS;
import static stasis.linux.bpf.ThreadField.POLL_SECONDS;
import static stasis.linux.bpf.ThreadField.PROCESS_KEYRING;
import static stasis.linux.bpf.ThreadField.REAL_BLOCKED;
import static stasis.linux.bpf.ThreadField.RESTART_FN;
import static stasis.linux.bpf.ThreadField.RESTORE_SIGMASK;
import static stasis.linux.bpf.ThreadField.ROBUST_LIST;
import static stasis.linux.bpf.ThreadField.RSEQ;
import static stasis.linux.bpf.ThreadField.RSEQ_BYTES;
import static stasis.linux.bpf.ThreadField.RSEQ_SIGNATURE;
import static stasis.linux.bpf.ThreadField.SAS_FLAGS;
import static stasis.linux.bpf.ThreadField.SAS_SIZE;
import static stasis.linux.bpf.ThreadField.SAS_SP;
import static stasis.linux.bpf.ThreadField.SAVED_SIGMASK;
import static stasis.linux.bpf.ThreadField.SECCOMP_FILTERS;
import static stasis.linux.bpf.ThreadField.SECCOMP_MODE;
import static stasis.linux.bpf.ThreadField.SECUREBITS;
import static stasis.linux.bpf.ThreadField.SECURITY_BLOB;
import static stasis.linux.bpf.ThreadField.SET_CHILD_TID;
import static stasis.linux.bpf.ThreadField.SLEEP_CLOCK;
import static stasis.linux.bpf.ThreadField.SLEEP_EXPIRES;
import static stasis.linux.bpf.ThreadField.SLEEP_REMAINING;
import static stasis.linux.bpf.ThreadField.SLEEP_TYPE;
import static stasis.linux.bpf.ThreadField.START_BOOTTIME;
import static stasis.linux.bpf.ThreadField.SUM_EXEC_RUNTIME;
import static stasis.linux.bpf.ThreadField.SYSCALL_WORK;
import static stasis.linux.bpf.ThreadField.TGID;
import static stasis.linux.bpf.ThreadField.THREAD_INFO_FLAGS;
import static stasis.linux.bpf.ThreadField.THREAD_KEYRING;
import static stasis.linux.bpf.ThreadField.TID;
import static stasis.linux.bpf.ThreadField.TIMER_SLACK;

import java.util.Comparator;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SigSet;
import stasis.linux.abi.Tid;

/// Turns a thread's record into a [HiddenTask]. Pure.
///
/// @param dispatchBit mask of SYSCALL_WORK_SYSCALL_USER_DISPATCH in thread_info.syscall_work; 0 if the kernel has none
record ThreadRecords(RecordLayout<ThreadField> layout, long dispatchBit) {
  private static final long NANOS_PER_SECOND = 1_000_000_000L;
  private static final int ORIGINAL_RSEQ_BYTES = 32;

  static ThreadRecords of(Btf btf) throws UnsupportedKernel {
    var bit = btf.enumerator("syscall_work_bit", "SYSCALL_WORK_BIT_SYSCALL_USER_DISPATCH");
    return new ThreadRecords(RecordLayout.of(btf, "task_struct", ThreadField.class),
        bit.isPresent() ? 1L << bit.getAsInt() : 0);
  }

  HiddenTask decode(Row<ThreadField> row, List<SemUndo> semUndo) {
    return new HiddenTask(new Tid(row.int32(TID)), new Tid(row.int32(TGID)),
        new HiddenTask.State(row.flag(EXIT_STATE), row.flag(MM), row.unsigned(JOBCTL)), masks(row), altStack(row),
        row.address(SET_CHILD_TID), row.address(CLEAR_CHILD_TID), row.address(ROBUST_LIST), rseq(row),
        restartBlock(row), attributes(row), seccomp(row), dispatch(row), memPolicy(row),
        new HiddenTask.Times(row.unsigned(START_BOOTTIME), row.unsigned(EXEC_START), row.unsigned(SUM_EXEC_RUNTIME)),
        contexts(row), semUndo, semUndo.isEmpty() || !row.has(ThreadField.UNDO_SHARERS) ? 0
            : row.int32(ThreadField.UNDO_SHARERS));
  }

  private static HiddenTask.Masks masks(Row<ThreadField> row) {
    Optional<SigSet> saved = row.flag(RESTORE_SIGMASK) ? Optional.of(row.sigSet(SAVED_SIGMASK)) : Optional.empty();
    return new HiddenTask.Masks(row.sigSet(BLOCKED), row.sigSet(REAL_BLOCKED), saved);
  }

  /// kernel/signal.c, do_sigaltstack(): a size of 0 is what SS_DISABLE leaves, and reports as.
  private static HiddenTask.AltStack altStack(Row<ThreadField> row) {
    long bytes = row.unsigned(SAS_SIZE);
    int flags = row.int32(SAS_FLAGS) | (bytes == 0 ? HiddenTask.AltStack.SS_DISABLE : 0);
    return new HiddenTask.AltStack(row.address(SAS_SP), bytes, flags);
  }

  private static boolean hasAny(Row<ThreadField> row, ThreadField field) {
    return row.has(field) && !row.bytes(field).equals(Bytes.zeros(row.bytes(field).length()));
  }

  private static Optional<HiddenTask.Rseq> rseq(Row<ThreadField> row) {
    if (!row.has(RSEQ) || !row.has(RSEQ_SIGNATURE) || !row.flag(RSEQ)) {
      return Optional.empty();
    }
    // Before Linux 6.3 an area had one size (kernel/rseq.c, rseq()).
    int bytes = row.has(RSEQ_BYTES) ? row.int32(RSEQ_BYTES) : ORIGINAL_RSEQ_BYTES;
    return Optional.of(new HiddenTask.Rseq(row.address(RSEQ), bytes, row.int32(RSEQ_SIGNATURE)));
  }

  private static HiddenTask.Attributes attributes(Row<ThreadField> row) {
    return new HiddenTask.Attributes(row.int32(FLAGS), row.unsigned(ATOMIC_FLAGS), row.unsigned(THREAD_INFO_FLAGS),
        row.int32(PERSONALITY), row.int32(EXIT_SIGNAL), row.int32(PDEATH_SIGNAL), row.int32(SECUREBITS),
        row.unsigned(TIMER_SLACK), row.unsigned(DEFAULT_TIMER_SLACK));
  }

  private static Optional<HiddenTask.Seccomp> seccomp(Row<ThreadField> row) {
    if (!row.has(SECCOMP_MODE) || !row.has(SECCOMP_FILTERS)) {
      return Optional.empty();
    }
    return Optional.of(new HiddenTask.Seccomp(row.int32(SECCOMP_MODE), row.int32(SECCOMP_FILTERS)));
  }

  private Optional<HiddenTask.SyscallDispatch> dispatch(Row<ThreadField> row) {
    if (dispatchBit == 0 || !row.has(SYSCALL_WORK) || !row.has(DISPATCH_SELECTOR)) {
      return Optional.empty();
    }
    return Optional.of(new HiddenTask.SyscallDispatch((row.unsigned(SYSCALL_WORK) & dispatchBit) != 0,
        row.address(DISPATCH_SELECTOR), row.address(DISPATCH_OFFSET), row.unsigned(DISPATCH_BYTES)));
  }

  private static Optional<HiddenTask.MemPolicy> memPolicy(Row<ThreadField> row) {
    if (!row.has(MEMPOLICY) || !row.has(MEMPOLICY_USER_NODES)) {
      return Optional.empty();
    }
    if (!row.flag(MEMPOLICY)) {
      Bytes none = Bytes.zeros(8);
      return Optional.of(new HiddenTask.MemPolicy(HiddenTask.MemPolicy.MPOL_DEFAULT, 0, none, none));
    }
    return Optional.of(new HiddenTask.MemPolicy(row.int32(MEMPOLICY_MODE), row.int32(MEMPOLICY_FLAGS),
        row.bytes(MEMPOLICY_NODES), row.bytes(MEMPOLICY_USER_NODES)));
  }

  private static HiddenTask.Contexts contexts(Row<ThreadField> row) {
    Optional<Integer> priority = row.has(IO_PRIORITY) && row.flag(IO_CONTEXT)
        ? Optional.of(row.int32(IO_PRIORITY)) : Optional.empty();
    int sharers = row.has(IO_SHARERS) && row.flag(IO_CONTEXT) ? row.int32(IO_SHARERS) : 0;
    return new HiddenTask.Contexts(priority, sharers, row.has(IOPL) ? row.int32(IOPL) : 0,
        row.has(IO_BITMAP) && row.flag(IO_BITMAP), hasAny(row, PERF_EVENTS),
        row.has(IO_URING) && row.flag(IO_URING), row.has(PROCESS_KEYRING) && row.has(THREAD_KEYRING)
            ? Optional.of(new HiddenTask.Keyrings(row.flag(PROCESS_KEYRING), row.flag(THREAD_KEYRING)))
            : Optional.empty(), row.address(NSPROXY),
        row.has(SECURITY_BLOB) ? row.bytes(SECURITY_BLOB) : Bytes.zeros(HiddenTask.SECURITY_WORDS * Long.BYTES));
  }

  private static RestartBlock restartBlock(Row<ThreadField> row) {
    String function = row.text(RESTART_FN);
    int suffix = function.indexOf('.');
    return switch (suffix < 0 ? function : function.substring(0, suffix)) {
      case "do_no_restart_syscall" -> new RestartBlock.None();
      case "hrtimer_nanosleep_restart", "posix_cpu_nsleep_restart", "alarm_timer_nsleep_restart" ->
          new RestartBlock.Nanosleep(row.int32(SLEEP_CLOCK),
              remainingTime(row.int32(SLEEP_TYPE), row.address(SLEEP_REMAINING)), row.unsigned(SLEEP_EXPIRES));
      case "futex_wait_restart" -> new RestartBlock.Futex(row.address(FUTEX_WORD), row.int32(FUTEX_VALUE),
          row.int32(FUTEX_FLAGS), row.int32(FUTEX_BITSET), row.unsigned(FUTEX_EXPIRES));
      case "do_restart_poll" -> poll(row);
      case String unknown -> new RestartBlock.Unknown(unknown);
    };
  }

  private static RestartBlock poll(Row<ThreadField> row) {
    boolean timeout = row.flag(POLL_HAS_TIMEOUT);
    long expiresNs = row.unsigned(POLL_SECONDS) * NANOS_PER_SECOND + row.unsigned(POLL_NANOS);
    return new RestartBlock.Poll(row.address(POLL_FDS), row.int32(POLL_COUNT), timeout, timeout ? expiresNs : 0);
  }

  private static RestartBlock.RemainingTime remainingTime(int type, RemoteAddress at) {
    return switch (type) {
      case 1 -> new RestartBlock.RemainingTime.Native(at);
      case 2 -> new RestartBlock.RemainingTime.Compat(at);
      default -> new RestartBlock.RemainingTime.Nowhere();
    };
  }

  /// A task between release_task() and its last reference has no pid any more.
  static List<Row<ThreadField>> living(List<Row<ThreadField>> rows) {
    var living = new ArrayList<>(rows);
    living.removeIf(row -> row.int32(ThreadField.TID) <= 0 || row.int32(ThreadField.TGID) <= 0);
    living.sort(Comparator.comparingInt(row -> row.int32(ThreadField.TID)));
    return living;
  }
}
