package stasis.linux.bpf;

import java.util.List;

/// What is read of each thread, from its task_struct.
enum ThreadField implements KernelField {
  TID(Form.PID_NUMBER, "thread_pid"),
  TGID(Form.PID_NUMBER, "signal->pids[1]"),
  MM(Form.COPY, "mm"),
  EXIT_STATE(Form.COPY, "exit_state"),
  FLAGS(Form.COPY, "flags"),
  ATOMIC_FLAGS(Form.COPY, "atomic_flags"),
  THREAD_INFO_FLAGS(Form.COPY, "thread_info.flags"),
  SYSCALL_WORK(false, "thread_info.syscall_work"),
  JOBCTL(Form.COPY, "jobctl"),
  PERSONALITY(Form.COPY, "personality"),
  EXIT_SIGNAL(Form.COPY, "exit_signal"),
  PDEATH_SIGNAL(Form.COPY, "pdeath_signal"),
  SET_CHILD_TID(Form.COPY, "set_child_tid"),
  CLEAR_CHILD_TID(Form.COPY, "clear_child_tid"),
  ROBUST_LIST(Form.COPY, "robust_list"),
  SAS_SP(Form.COPY, "sas_ss_sp"),
  SAS_SIZE(Form.COPY, "sas_ss_size"),
  SAS_FLAGS(Form.COPY, "sas_ss_flags"),
  BLOCKED(Form.COPY, "blocked"),
  REAL_BLOCKED(Form.COPY, "real_blocked"),
  SAVED_SIGMASK(Form.COPY, "saved_sigmask"),
  // A bitfield where the arch has no TIF_RESTORE_SIGMASK (include/linux/sched.h); x86-64 has none.
  RESTORE_SIGMASK(Form.COPY, "restore_sigmask"),
  TIMER_SLACK(Form.COPY, "timer_slack_ns"),
  DEFAULT_TIMER_SLACK(Form.COPY, "default_timer_slack_ns"),
  SECUREBITS(Form.COPY, "cred->securebits"),
  START_BOOTTIME(Form.COPY, "start_boottime"),
  EXEC_START(Form.COPY, "se.exec_start"),
  SUM_EXEC_RUNTIME(Form.COPY, "se.sum_exec_runtime"),
  SECCOMP_MODE(false, "seccomp.mode"),
  SECCOMP_FILTERS(false, "seccomp.filter_count"),
  RSEQ(false, "rseq", "rseq.usrptr"),
  RSEQ_BYTES(false, "rseq_len", "rseq.len"),
  RSEQ_SIGNATURE(false, "rseq_sig", "rseq.sig"),
  DISPATCH_SELECTOR(false, "syscall_dispatch.selector"),
  DISPATCH_OFFSET(false, "syscall_dispatch.offset"),
  DISPATCH_BYTES(false, "syscall_dispatch.len"),
  MEMPOLICY(false, "mempolicy"),
  MEMPOLICY_MODE(false, "mempolicy->mode"),
  MEMPOLICY_FLAGS(false, "mempolicy->flags"),
  MEMPOLICY_NODES(false, "mempolicy->nodes"),
  MEMPOLICY_USER_NODES(false, "mempolicy->w.user_nodemask"),
  IO_CONTEXT(false, "io_context"),
  IO_PRIORITY(false, "io_context->ioprio"),
  IO_SHARERS(false, "io_context->active_ref.counter"),
  /// Up to Linux 6.1 an array: events of software have a context of their own.
  PERF_EVENTS(false, "perf_event_ctxp"),
  IO_URING(false, "io_uring"),
  UNDO_LIST(false, "sysvsem.undo_list"),
  UNDO_FIRST(false, "sysvsem.undo_list->list_proc.next"),
  UNDO_SHARERS(false, "sysvsem.undo_list->refcnt.refs.counter"),
  NSPROXY(Form.COPY, "nsproxy"),
  PROCESS_KEYRING(false, "cred->process_keyring"),
  THREAD_KEYRING(false, "cred->thread_keyring"),
  // What security modules keep with a task's credentials, each at a place of its own (security/security.c).
  SECURITY_BLOB(false, "cred->security"),
  IOPL(false, "thread.iopl_emul"),
  IO_BITMAP(false, "thread.io_bitmap"),
  RESTART_FN(Form.SYMBOL, "restart_block.fn"),
  SLEEP_CLOCK(Form.COPY, "restart_block.nanosleep.clockid"),
  SLEEP_TYPE(Form.COPY, "restart_block.nanosleep.type"),
  SLEEP_REMAINING(Form.COPY, "restart_block.nanosleep.rmtp"),
  SLEEP_EXPIRES(Form.COPY, "restart_block.nanosleep.expires"),
  FUTEX_WORD(Form.COPY, "restart_block.futex.uaddr"),
  FUTEX_VALUE(Form.COPY, "restart_block.futex.val"),
  FUTEX_FLAGS(Form.COPY, "restart_block.futex.flags"),
  FUTEX_BITSET(Form.COPY, "restart_block.futex.bitset"),
  FUTEX_EXPIRES(Form.COPY, "restart_block.futex.time"),
  POLL_FDS(Form.COPY, "restart_block.poll.ufds"),
  POLL_COUNT(Form.COPY, "restart_block.poll.nfds"),
  POLL_HAS_TIMEOUT(Form.COPY, "restart_block.poll.has_timeout"),
  POLL_SECONDS(Form.COPY, "restart_block.poll.tv_sec", "restart_block.poll.end_time.tv_sec"),
  POLL_NANOS(Form.COPY, "restart_block.poll.tv_nsec", "restart_block.poll.end_time.tv_nsec");

  private final Form form;
  private final boolean required;
  @SuppressWarnings("ImmutableEnumChecker") // List.of() makes it so
  private final List<String> expressions;

  ThreadField(Form form, String... expressions) {
    this.form = form;
    this.required = true;
    this.expressions = List.of(expressions);
  }

  ThreadField(boolean required, String... expressions) {
    this.form = Form.COPY;
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
  public int pointedBytes() {
    return this == SECURITY_BLOB ? HiddenTask.SECURITY_WORDS * Long.BYTES : 0;
  }

  @Override
  public boolean required() {
    return required;
  }
}
