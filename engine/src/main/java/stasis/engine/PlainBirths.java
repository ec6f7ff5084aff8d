package stasis.engine;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.sys.Syscalls;
import stasis.tracee.Deadline;
import stasis.tracee.Ptrace;
import stasis.tracee.stub.Batch;
import stasis.tracee.stub.Expect;
import stasis.tracee.stub.Operand;
import stasis.tracee.stub.Outcome;
import stasis.tracee.stub.Slot;
import stasis.tracee.stub.Stub;

/// The root is born in the engine's own pid namespace, as a child of the engine (CLONE_PARENT): needs
/// CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN to choose its pid.
final class PlainBirths implements Births {
  private static final Duration BOUND = Duration.ofSeconds(10);
  private static final long CLONE_PARENT = 0x8000;
  private static final int CLONE_ARGS_BYTES = 88;
  private static final int RLIMIT_NOFILE = 7;

  private final Ptrace ptrace;

  PlainBirths(Ptrace ptrace) {
    this.ptrace = ptrace;
  }

  @Override
  public Stub root(List<Integer> pids, RemoteAddress region, long regionBytes, Path image, int imageFd)
      throws SyscallException, StepFailedException {
    Fd file = Executor.open(image);
    try (Stub first = Stub.spawn(ptrace, region, regionBytes, List.of(file))) {
      Batch batch = new Batch();
      Slot limit = batch.space(16);
      batch.call(Nr.PRLIMIT64, Operand.imm(0), Operand.imm(RLIMIT_NOFILE), Operand.imm(0), limit.address());
      batch.patch(limit, 0, Operand.load64(limit, 8), 8);
      batch.call(Nr.PRLIMIT64, Operand.imm(0), Operand.imm(RLIMIT_NOFILE), limit.address(), Operand.imm(0));
      if (file.value() != imageFd) {
        batch.call(Nr.DUP3, Expect.exactly(imageFd), Operand.imm(file.value()), Operand.imm(imageFd), Operand.imm(0));
        batch.call(Nr.CLOSE, Operand.imm(file.value()));
      }
      Slot tid = batch.data(Bytes.ofU32(pids.getLast()));
      Slot args = batch.data(Bytes.zeros(CLONE_ARGS_BYTES).withU64(0, CLONE_PARENT).withU64(72, 1));
      batch.point(args, 64, tid, 0);
      int birth = batch.birth(Nr.CLONE3, args.address(), Operand.imm(CLONE_ARGS_BYTES));
      return switch (first.run(batch, Deadline.after(BOUND))) {
        case Outcome.Completed(_, var born) -> first.adopt(born.getFirst());
        case Outcome.Stopped(int index, long result, _, _) when index == birth && result == -Errno.EEXIST.number() ->
            throw new StepFailedException("pid " + pids.getLast() + " is taken by another task; end that task, or"
                + " restore in a pid namespace of its own");
        case Outcome.Stopped(int index, long result, _, _) ->
            throw new StepFailedException("birth of the root, call " + index, result);
        case Outcome other -> throw new StepFailedException("birth of the root: " + other);
      };
    } finally {
      Syscalls.call(Nr.CLOSE, file.value());
    }
  }

  @Override
  public List<Integer> setTid(List<Integer> pids) {
    return List.of(pids.getLast());
  }

  @Override
  public void close() {}
}
