package stasis.tracee.stub;

import java.util.List;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;

/// A server that starts a guard and is killed, for [ServerGuardTest]. Arguments: PID of its program; what else.
final class GuardedServer {
  private GuardedServer() {}

  public static void main(String[] args) throws Exception {
    ServerGuard guard = ServerGuard.start();
    System.out.println("guard " + guard.pid());
    // After the guard was started: it has this all the same.
    Fd program = KeptEngine.pidfd(Integer.parseInt(args[0]));
    guard.watch(List.of());
    guard.watch(List.of(program));
    System.out.println("program " + program);
    switch (args[1]) {
      case "killed" -> Syscalls.call(Nr.KILL, ProcessHandle.current().pid(), 9);
      case "stays" -> {
        guard.stay(true);
        Syscalls.call(Nr.KILL, ProcessHandle.current().pid(), 9);
      }
      case "closes" -> guard.close();
      case String other -> throw new IllegalArgumentException(other);
    }
  }
}
