package stasis.tracee.stub;

import java.util.List;
import java.util.Optional;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;
import stasis.tracee.Ptrace;
import stasis.tracee.TracerThread;

/// An engine in little, for [PidNamespaceTest]: makes a namespace with a root at a chosen pid that has an orphaned
/// grandchild, lets all go, and tells how it went.
final class NamespacedEngine {
  private static final int PID = 4711;
  private static final long AHEAD_S = 3_000_000_000L;

  private NamespacedEngine() {}

  public static void main(String[] args) throws Exception {
    boolean signalled = args.length > 0 && args[0].equals("signalled");
    int uid = (int) Syscalls.call(Nr.GETEUID);
    int gid = (int) Syscalls.call(Nr.GETEGID);
    var tracer = new TracerThread();
    try (java.lang.foreign.Arena arena = java.lang.foreign.Arena.ofConfined()) {
      var ends = arena.allocate(8, 8);
      Syscalls.require("pipe", Nr.PIPE2, ends.address(), 0x80000);
      Fd read = new Fd(ends.get(java.lang.foreign.ValueLayout.JAVA_INT, 0));
      Fd write = new Fd(ends.get(java.lang.foreign.ValueLayout.JAVA_INT, 4));
      Tid init = tracer.call(ptrace -> live(ptrace, uid, gid, write, signalled));
      Syscalls.call(Nr.CLOSE, write.value());
      var status = arena.allocate(8, 8);
      long got = Syscalls.call(Nr.READ, read.value(), status.address(), 4);
      System.out.println("root status " + got + " " + status.get(java.lang.foreign.ValueLayout.JAVA_INT, 0));
      long reaped = Syscalls.call(Nr.WAIT4, init.value(), status.address(), 0, 0);
      System.out.println("init reaped " + (reaped == init.value()) + " status "
          + status.get(java.lang.foreign.ValueLayout.JAVA_INT, 0));
      System.out.println("children left " + Syscalls.call(Nr.WAIT4, -1, 0, 0x40000001, 0));
    }
    tracer.close();
  }

  private static Tid live(Ptrace ptrace, int uid, int gid, Fd status, boolean signalled) throws SyscallException {
    try (PidNamespace namespace = PidNamespace.create(ptrace, Stubs.HOLE, Stubs.HOLE_BYTES, List.of(status),
        IdRange.own(uid), IdRange.own(gid), Optional.of(new TimeOffsets(AHEAD_S * 1_000_000_000, 0)))) {
      System.out.println("own proc " + namespace.ownProc());
      Stub root = namespace.root(PID, Stubs.soon());
      var look = new Batch();
      int pid = look.call(Nr.GETPID);
      int parent = look.call(Nr.GETPPID);
      int user = look.call(Nr.GETUID);
      Slot path = look.data(Bytes.cString("/proc/self"));
      Slot link = look.space(16);
      look.call(Nr.READLINKAT, Operand.imm(-100), path.address(), link.address(), Operand.imm(16));
      Slot time = look.space(16);
      look.call(Nr.CLOCK_GETTIME, Operand.imm(1), time.address());
      int child = new CloneArgs(0, 17, List.of(4712)).addTo(look);
      int thread = new CloneArgs(Stubs.THREAD, 0, List.of(4713)).addTo(look);
      Outcome.Completed outcome = (Outcome.Completed) root.run(look, Stubs.soon());
      Results results = outcome.results();
      System.out.println("root pid " + results.of(pid) + " parent " + results.of(parent) + " uid " + results.of(user)
          + " proc " + results.of(link).latin1() + " child " + results.of(child) + " thread " + results.of(thread));
      System.out.println("clock ahead " + (results.of(time).u64(0) >= AHEAD_S));
      Stub grandchild = root.adopt(outcome.born().getFirst());
      Stub second = root.adopt(outcome.born().getLast());
      try {
        namespace.root(4712, Stubs.soon());
        System.out.println("4712 given twice");
      } catch (PidTakenException e) {
        System.out.println(e.getMessage());
      }
      namespace.release(PID, Optional.of(status));
      Stubs.releaseInto(grandchild, root.region(), Stubs.later(400, Nr.EXIT_GROUP, Operand.imm(1)));
      Stubs.releaseInto(second, root.region().share(0, 2), Stubs.later(60_000, Nr.EXIT, Operand.imm(1)));
      Stubs.releaseInto(root, root.region().share(1, 2), signalled
          ? Stubs.later(100, Nr.KILL, Operand.imm(PID), Operand.imm(9))
          : Stubs.later(100, Nr.EXIT_GROUP, Operand.imm(42)));
      return namespace.init().tid();
    } catch (PidTakenException e) {
      throw new AssertionError(e);
    }
  }
}
