package stasis.linux.bpf;

import java.util.List;

/// What is read once per thread group, from the task_struct of a thread that still has its mm.
enum GroupField implements KernelField {
  MM(true, "mm"),
  SIGNAL(true, "signal"),
  FILES(true, "files"),
  ACTIONS(true, "sighand->action"),
  TIMERS_FIRST(true, "signal->posix_timers.first", "signal->posix_timers.next"),
  NEXT_TIMER_ID(false, "signal->next_posix_timer_id", "signal->posix_timer_id"),
  SUBREAPER(true, "signal->is_child_subreaper"),
  SIGNAL_FLAGS(true, "signal->flags"),
  REAL_EXPIRES(true, "signal->real_timer.node.expires"),
  REAL_STATE(true, "signal->real_timer.state", "signal->real_timer.is_queued"),
  REAL_INCREMENT(true, "signal->it_real_incr"),
  PROF_EXPIRES(true, "signal->it[0].expires"),
  PROF_INCREMENT(true, "signal->it[0].incr"),
  VIRTUAL_EXPIRES(true, "signal->it[1].expires"),
  VIRTUAL_INCREMENT(true, "signal->it[1].incr"),
  CPU_USER(true, "signal->cputimer.cputime_atomic.utime"),
  CPU_SYSTEM(true, "signal->cputimer.cputime_atomic.stime"),
  PAST_RUNTIME(true, "signal->sum_sched_runtime"),
  MM_FLAGS(true, "mm->flags"),
  DEF_FLAGS(true, "mm->def_flags"),
  MEMBARRIER(false, "mm->membarrier_state"),
  START_CODE(true, "mm->start_code"),
  END_CODE(true, "mm->end_code"),
  START_DATA(true, "mm->start_data"),
  END_DATA(true, "mm->end_data"),
  START_BRK(true, "mm->start_brk"),
  BRK(true, "mm->brk"),
  START_STACK(true, "mm->start_stack"),
  ARG_START(true, "mm->arg_start"),
  ARG_END(true, "mm->arg_end"),
  ENV_START(true, "mm->env_start"),
  ENV_END(true, "mm->env_end"),
  PKEYS(false, "mm->context.pkey_allocation_map"),
  LDT(false, "mm->context.ldt"),
  UNTAG_MASK(false, "mm->context.untag_mask");

  private final boolean required;
  @SuppressWarnings("ImmutableEnumChecker") // List.of() makes it so
  private final List<String> expressions;

  GroupField(boolean required, String... expressions) {
    this.required = required;
    this.expressions = List.of(expressions);
  }

  @Override
  public List<String> expressions() {
    return expressions;
  }

  @Override
  public boolean required() {
    return required;
  }
}
