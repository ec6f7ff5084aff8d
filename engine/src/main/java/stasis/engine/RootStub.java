package stasis.engine;

import java.time.Duration;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.tracee.Deadline;
import stasis.tracee.stub.Batch;
import stasis.tracee.stub.Operand;
import stasis.tracee.stub.Outcome;
import stasis.tracee.stub.Slot;
import stasis.tracee.stub.Stub;

/// What every root needs before its program runs in it.
final class RootStub {
  private static final Duration BOUND = Duration.ofSeconds(10);
  private static final int RLIMIT_NOFILE = 7;

  private RootStub() {}

  /// Room for high fds, and what it inherits at the numbers the program expects.
  static void furnish(Stub root, StubFiles files) throws SyscallException, StepFailedException {
    Batch batch = new Batch();
    Slot limit = batch.space(16);
    batch.call(Nr.PRLIMIT64, Operand.imm(0), Operand.imm(RLIMIT_NOFILE), Operand.imm(0), limit.address());
    batch.patch(limit, 0, Operand.load64(limit, 8), 8);
    batch.call(Nr.PRLIMIT64, Operand.imm(0), Operand.imm(RLIMIT_NOFILE), limit.address(), Operand.imm(0));
    files.place(batch);
    switch (root.run(batch, Deadline.after(BOUND))) {
      case Outcome.Completed _ -> { }
      case Outcome.Stopped(int index, long result, _, _) ->
          throw new StepFailedException("call " + index + " that furnishes the root", result);
      case Outcome other -> throw new StepFailedException("the root could not be furnished: " + other);
    }
  }
}
