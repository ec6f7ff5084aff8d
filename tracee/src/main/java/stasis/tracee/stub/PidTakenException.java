package stasis.tracee.stub;

import java.util.Optional;

/// A restored task cannot have its number: another has it.
public final class PidTakenException extends Exception {
  private static final long serialVersionUID = 1L;
  private final int pid;
  private final transient Optional<PidHolder> holder;

  PidTakenException(int pid, Optional<PidHolder> holder) {
    super("pid " + pid + " is taken by " + holder.map(PidHolder::describe).orElse("a task that our /proc does not show")
        + (holder.map(PidHolder::leaving).orElse(false)
            ? "; it is ending, but its parent has not reaped it" : "; end it, or restore in a pid namespace"));
    this.pid = pid;
    this.holder = holder;
  }

  public int pid() {
    return pid;
  }

  public Optional<PidHolder> holder() {
    return holder;
  }
}
