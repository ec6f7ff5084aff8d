package stasis.linux.probe;

import java.lang.foreign.MemorySegment;
import java.util.List;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;

/// ptrace requests, tried on a child of our own that is stopped, asked, and killed.
final class TraceProbe {
  private static final int PTRACE_SEIZE = 0x4206;
  private static final int PTRACE_INTERRUPT = 0x4207;
  private static final int PTRACE_GET_SYSCALL_INFO = 0x420e;
  private static final int PTRACE_GET_RSEQ_CONFIGURATION = 0x420f;
  private static final int PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG = 0x4211;
  private static final int PTRACE_O_EXITKILL = 0x100000;
  private static final int SIGKILL = 9;
  private static final long ALL_CHILDREN = 0x40000000; // __WALL

  private static final List<Feature> REQUESTS = List.of(Feature.PTRACE, Feature.PTRACE_GET_RSEQ_CONFIGURATION,
      Feature.PTRACE_GET_SYSCALL_INFO, Feature.PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG);

  private TraceProbe() {}

  static List<Finding> look() {
    try (Scratch scratch = new Scratch()) {
      long child = Syscalls.spawn(MemorySegment.ofAddress(scratch.cString("/bin/sleep")),
          scratch.pointers(scratch.cString("sleep"), scratch.cString("60")), scratch.pointers());
      if (Errno.isError(child)) {
        return REQUESTS.stream().map(f -> Finding.noted(f, "no /bin/sleep to try it on")).toList();
      }
      try {
        return ask(scratch, child);
      } finally {
        Syscalls.call(Nr.KILL, child, SIGKILL);
        Syscalls.call(Nr.WAIT4, child, scratch.out(8).address(), ALL_CHILDREN, 0);
      }
    }
  }

  private static List<Finding> ask(Scratch scratch, long child) {
    long seized = Syscalls.call(Nr.PTRACE, PTRACE_SEIZE, child, 0, PTRACE_O_EXITKILL);
    if (Errno.isError(seized)) {
      return REQUESTS.stream().map(feature -> Scratch.verdict(feature, seized)).toList();
    }
    Syscalls.call(Nr.PTRACE, PTRACE_INTERRUPT, child, 0, 0);
    Syscalls.call(Nr.WAIT4, child, scratch.out(8).address(), ALL_CHILDREN, 0);
    long answer = scratch.out(256).address();
    return List.of(
        Finding.present(Feature.PTRACE),
        // struct ptrace_rseq_configuration is 24 bytes, the request wants exactly that: kernel/ptrace.c.
        Scratch.verdict(Feature.PTRACE_GET_RSEQ_CONFIGURATION,
            Syscalls.call(Nr.PTRACE, PTRACE_GET_RSEQ_CONFIGURATION, child, 24, answer)),
        Scratch.verdict(Feature.PTRACE_GET_SYSCALL_INFO,
            Syscalls.call(Nr.PTRACE, PTRACE_GET_SYSCALL_INFO, child, 256, answer)),
        // struct ptrace_sud_config is 32 bytes: kernel/entry/syscall_user_dispatch.c.
        Scratch.verdict(Feature.PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG,
            Syscalls.call(Nr.PTRACE, PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG, child, 32, answer)));
  }
}
