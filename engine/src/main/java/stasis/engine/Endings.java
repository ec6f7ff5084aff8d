package stasis.engine;

import java.time.Duration;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.sys.Syscalls;
import stasis.resource.Step;
import stasis.tracee.Deadline;
import stasis.tracee.Ptrace;
import stasis.tracee.Stop;
import stasis.tracee.stub.Stub;

/// Ends a stub as its zombie ended: by exit_group(2) with a code, or by a signal. Its parent is told as ever; what is
/// left of it is the parent's to wait for.
final class Endings {
  private static final Duration BOUND = Duration.ofSeconds(10);

  private Endings() {}

  static void end(Ptrace ptrace, Stub stub, Step.End end) throws SyscallException {
    int signal = end.status() & 0x7f;
    ptrace.setSignalMask(stub.tid(), end.mask());
    if (signal == 0) {
      RemoteAddress gadget = stub.region().gadget();
      ptrace.setRegisters(stub.tid(), ptrace.registers(stub.tid()).forCall(gadget, Nr.EXIT_GROUP.on(Syscalls.HOST),
          end.status() >> 8 & 0xff));
    } else {
      Syscalls.require("end a stub by signal " + signal, Nr.KILL, stub.tid().value(), signal);
    }
    ptrace.cont(stub.tid(), 0);
    Deadline deadline = Deadline.after(BOUND);
    while (true) {
      Stop stop = ptrace.await(stub.tid(), deadline).orElseThrow(() -> new SyscallException(Nr.WAIT4, Errno.ETIMEDOUT,
          "await the end of stub " + stub.tid()));
      if (stop.isFinal()) {
        return;
      }
      ptrace.cont(stub.tid(), stop instanceof Stop.SignalDelivery delivery ? delivery.signal() : 0);
    }
  }
}
