package stasis.engine;

import java.time.Duration;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.tracee.Deadline;
import stasis.tracee.stub.Batch;
import stasis.tracee.stub.Expect;
import stasis.tracee.stub.Operand;
import stasis.tracee.stub.Outcome;
import stasis.tracee.stub.Slot;
import stasis.tracee.stub.Stub;

/// What every root needs before its program runs in it.
final class RootStub {
  private static final Duration BOUND = Duration.ofSeconds(10);
  private static final int RLIMIT_NOFILE = 7;
  private static final int IOPRIO_WHO_PROCESS = 1;

  private RootStub() {}

  /// Room for high fds, and the statefile at the number the program expects.
  static void furnish(Stub root, Fd file, int imageFd) throws SyscallException, StepFailedException {
    Batch batch = new Batch();
    Slot limit = batch.space(16);
    batch.call(Nr.PRLIMIT64, Operand.imm(0), Operand.imm(RLIMIT_NOFILE), Operand.imm(0), limit.address());
    batch.patch(limit, 0, Operand.load64(limit, 8), 8);
    batch.call(Nr.PRLIMIT64, Operand.imm(0), Operand.imm(RLIMIT_NOFILE), limit.address(), Operand.imm(0));
    // Class none: what it bears begins without the engine's I/O context (block/blk-ioc.c, __copy_io()).
    batch.call(Nr.IOPRIO_SET, Operand.imm(IOPRIO_WHO_PROCESS), Operand.imm(0), Operand.imm(0));
    if (file.value() != imageFd) {
      batch.call(Nr.DUP3, Expect.exactly(imageFd), Operand.imm(file.value()), Operand.imm(imageFd), Operand.imm(0));
      batch.call(Nr.CLOSE, Operand.imm(file.value()));
    }
    switch (root.run(batch, Deadline.after(BOUND))) {
      case Outcome.Completed _ -> { }
      case Outcome.Stopped(int index, long result, _, _) ->
          throw new StepFailedException("call " + index + " that furnishes the root", result);
      case Outcome other -> throw new StepFailedException("the root could not be furnished: " + other);
    }
  }
}
