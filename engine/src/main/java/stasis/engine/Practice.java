package stasis.engine;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import stasis.linux.abi.SyscallException;
import stasis.procfs.Proc;
import stasis.procfs.ProcException;
import stasis.tracee.Ptrace;
import stasis.tracee.stub.ServerGuard;

/// What an engine that stays has learnt, so that no later operation learns it again: what this machine offers, how the
/// kernel's own fields are read, and that its code is warm. Any thread may use it.
public final class Practice implements AutoCloseable {
  /// Kept for the next; operations beside each other beyond these have one of their own.
  private static final int KERNELS = 2;
  private static final int GUARDS = 2;
  /// Rehearsals after which code that tracks is compiled.
  private static final int TRACKED_ENOUGH = 12;

  private final boolean kept;
  private final Deque<HiddenKernel> kernels = new ArrayDeque<>();
  private final Deque<ServerGuard> guards = new ArrayDeque<>();
  private Optional<Rehearsal> looked = Optional.empty();
  /// One that is closed.
  private Optional<HiddenKernel> known = Optional.empty();
  private boolean warm;
  private int tracked;

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

  /// Whether tracking is to be rehearsed once more.
  synchronized boolean tracksCold() {
    tracked++;
    return tracked <= TRACKED_ENOUGH;
  }

  synchronized Rehearsal look(Ptrace ptrace, Proc proc) throws SyscallException, ProcException {
    Rehearsal rehearsal = looked.isPresent() ? looked.get() : Rehearsal.look(ptrace, LiveHost.ownVdso(proc));
    looked = kept ? Optional.of(rehearsal) : Optional.empty();
    return rehearsal;
  }

  /// The kernel's fields, for one operation.
  Loan kernel(Ptrace ptrace) throws SyscallException {
    Optional<HiddenKernel> idle = idle();
    Optional<HiddenKernel> known = known();
    return new Loan(idle.isPresent() ? idle.get() : known.isPresent() ? known.get().again()
        : HiddenKernel.open(ptrace));
  }

  private synchronized Optional<HiddenKernel> known() {
    return known;
  }

  private synchronized Optional<HiddenKernel> idle() {
    return Optional.ofNullable(kernels.poll());
  }

  private synchronized boolean keep(HiddenKernel kernel) {
    return kept && kernels.size() < KERNELS && kernels.offer(kernel);
  }

  /// One that has nobody to kill yet: a copy of this process has to be made for it, which takes longer the larger that
  /// is, so one that is no longer needed is kept.
  ServerGuard guard() throws SyscallException {
    Optional<ServerGuard> idle = idleGuard();
    return idle.isPresent() ? idle.get() : ServerGuard.start();
  }

  private synchronized Optional<ServerGuard> idleGuard() {
    return Optional.ofNullable(guards.poll());
  }

  /// The tree it was for has all its pages, or is dead.
  void giveBack(ServerGuard guard) {
    if (!keep(guard)) {
      guard.close();
    }
  }

  private synchronized boolean keep(ServerGuard guard) {
    try {
      guard.watch(List.of());
      guard.stay(false);
      return kept && guards.size() < GUARDS && guards.offer(guard);
    } catch (SyscallException e) {
      return false;
    }
  }

  /// Lets go of all that lies outside this process's memory; what was learnt stays.
  public synchronized void rest() {
    guards.forEach(ServerGuard::close);
    guards.clear();
    known = Optional.ofNullable(kernels.peek()).or(() -> known);
    kernels.forEach(HiddenKernel::close);
    kernels.clear();
  }

  /// Forgets all of it.
  @Override
  public synchronized void close() {
    rest();
    known = Optional.empty();
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
