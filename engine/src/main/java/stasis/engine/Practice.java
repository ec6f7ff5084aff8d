package stasis.engine;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import stasis.linux.abi.SyscallException;
import stasis.tracee.Ptrace;

/// What an engine that stays has learnt, so that no later operation learns it again: what this machine offers, how the
/// kernel's own fields are read, and that its code is warm. Any thread may use it.
public final class Practice implements AutoCloseable {
  /// Kept for the next; operations beside each other beyond these have one of their own.
  private static final int KERNELS = 2;

  private final boolean kept;
  private final Deque<HiddenKernel> kernels = new ArrayDeque<>();
  private Optional<Rehearsal> looked = Optional.empty();
  private boolean warm;

  private Practice(boolean kept) {
    this.kept = kept;
  }

  /// Of an engine that does one thing and ends.
  public static Practice none() {
    return new Practice(false);
  }

  /// Of an engine that stays. Close it in the end.
  public static Practice kept() {
    return new Practice(true);
  }

  /// From now on nothing is rehearsed that has run often enough: the caller has seen to that.
  public synchronized void warm() {
    warm = kept;
  }

  public synchronized boolean isWarm() {
    return warm;
  }

  synchronized Rehearsal look(Ptrace ptrace) throws SyscallException {
    Rehearsal rehearsal = looked.isPresent() ? looked.get() : Rehearsal.look(ptrace);
    looked = kept ? Optional.of(rehearsal) : Optional.empty();
    return rehearsal;
  }

  /// The kernel's fields, for one operation.
  Loan kernel(Ptrace ptrace) throws SyscallException {
    Optional<HiddenKernel> idle = idle();
    return new Loan(idle.isPresent() ? idle.get() : HiddenKernel.open(ptrace));
  }

  private synchronized Optional<HiddenKernel> idle() {
    return Optional.ofNullable(kernels.poll());
  }

  private synchronized boolean keep(HiddenKernel kernel) {
    return kept && kernels.size() < KERNELS && kernels.offer(kernel);
  }

  /// Forgets all of it.
  @Override
  public synchronized void close() {
    kernels.forEach(HiddenKernel::close);
    kernels.clear();
    looked = Optional.empty();
  }

  /// Goes back when it is closed.
  final class Loan implements AutoCloseable {
    private final HiddenKernel kernel;

    private Loan(HiddenKernel kernel) {
      this.kernel = kernel;
    }

    HiddenKernel kernel() {
      return kernel;
    }

    @Override
    public void close() {
      kernel.forget();
      if (!keep(kernel)) {
        kernel.close();
      }
    }
  }
}
