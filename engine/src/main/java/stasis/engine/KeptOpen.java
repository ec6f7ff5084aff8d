package stasis.engine;

import java.time.Duration;
import java.util.List;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.procfs.Proc;
import stasis.procfs.ProcException;
import stasis.tracee.Deadline;
import stasis.tracee.stub.Batch;
import stasis.tracee.stub.Operand;
import stasis.tracee.stub.Outcome;
import stasis.tracee.stub.Stub;

/// Files that a stub keeps open although it executes a program.
final class KeptOpen {
  private static final int F_SETFD = 2;
  private static final int FD_CLOEXEC = 1;
  private static final Duration BOUND = Duration.ofSeconds(30);

  private final Stub stub;
  private final List<Fd> files;

  private KeptOpen(Stub stub, List<Fd> files) {
    this.stub = stub;
    this.files = files;
  }

  /// None of them closes on exec any more.
  static KeptOpen of(Stub stub, Proc proc) throws SyscallException, ProcException, StepFailedException {
    var open = new KeptOpen(stub, List.copyOf(proc.task(stub.tid()).fds()));
    open.set(0);
    return open;
  }

  /// All of them do, as what is the restore's own does; the program's files are put at their places later.
  void closeOnExec() throws SyscallException, StepFailedException {
    set(FD_CLOEXEC);
  }

  private void set(int flags) throws SyscallException, StepFailedException {
    var batch = new Batch();
    files.forEach(fd -> batch.call(Nr.FCNTL, Operand.imm(fd.value()), Operand.imm(F_SETFD), Operand.imm(flags)));
    if (!(stub.run(batch, Deadline.after(BOUND)) instanceof Outcome.Completed)) {
      throw new StepFailedException("files of task " + stub.tid() + " could not be kept open over an execve");
    }
  }
}
