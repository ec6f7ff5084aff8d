package stasis.engine;

import java.util.List;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.resource.KindSet;
import stasis.tracee.Ptrace;
import stasis.tracee.stub.Stub;

/// What is learnt, and warmed up, on a private stub before anything is stopped.
///
/// @param xfeatures XCR0 of this CPU and kernel
record Rehearsal(long xfeatures) {
  private static final RemoteAddress HOLE = new RemoteAddress(0x20000000L);
  private static final long HOLE_BYTES = 1 << 20;

  static Rehearsal play(KindSet kinds, Environment environment, Ptrace ptrace) throws SyscallException {
    try (Stub stub = Stub.spawn(ptrace, HOLE, HOLE_BYTES, List.of())) {
      return new Rehearsal(Xstate.offered(ptrace.xsave(stub.tid())));
    }
  }

}
