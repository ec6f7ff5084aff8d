package stasis.engine;

import java.util.List;
import java.util.Optional;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.bpf.HiddenGroup;
import stasis.linux.bpf.HiddenState;
import stasis.tracee.Ptrace;
import stasis.tracee.stub.Stub;

/// The kernel's own fields, made readable once per operation and outside of any freeze, with what had to be learnt on a
/// private stub to understand them.
final class HiddenKernel implements AutoCloseable {
  private static final RemoteAddress HOLE = new RemoteAddress(0x20000000L);
  private static final long HOLE_BYTES = 1 << 20;

  private final HiddenState.Opened opened;
  private final LearntBits bits;

  private HiddenKernel(HiddenState.Opened opened, LearntBits bits) {
    this.opened = opened;
    this.bits = bits;
  }

  static HiddenKernel open(Ptrace ptrace) throws SyscallException {
    HiddenState.Opened opened = HiddenState.open();
    if (!(opened instanceof HiddenState.Opened.Ready(var state))) {
      return new HiddenKernel(opened, LearntBits.NONE);
    }
    try (Stub stub = Stub.spawn(ptrace, HOLE, HOLE_BYTES, List.of())) {
      return new HiddenKernel(opened, LearntBits.of(stub, state));
    } catch (SyscallException e) {
      state.close();
      throw e;
    }
  }

  /// @return empty where BPF is not allowed, or the group is gone
  Optional<HiddenGroup> read(Tid leader) throws SyscallException {
    return opened instanceof HiddenState.Opened.Ready(var state) ? state.read(leader) : Optional.empty();
  }

  boolean isReadable() {
    return opened instanceof HiddenState.Opened.Ready;
  }

  LearntBits bits() {
    return bits;
  }

  @Override
  public void close() {
    if (opened instanceof HiddenState.Opened.Ready(var state)) {
      state.close();
    }
  }
}
