package stasis.tracee;

import static java.util.Map.entry;

import java.util.Map;
import stasis.linux.abi.Arch;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;

/// What a stop makes of the syscall it interrupts, on x86-64.
///
/// The kernel leaves one of four restart codes in rax and acts on it when the task goes on
/// (arch/x86/kernel/signal.c, `arch_do_signal_or_restart()`): with no handler to run it restarts the call
/// (-512, -513, -514), or calls restart_syscall(2), which goes on with the absolute time in the task's restart block
/// (-516: nanosleep, clock_nanosleep, poll, futex). Some calls give up with -EINTR instead and so betray the stop;
/// those are turned into -514 (ERESTARTNOHAND) at the stop, which is what such a call would do if it could: restart,
/// unless a handler runs. A relative timeout then counts from the start again.
public final class RestartRules {
  /// Calls that return -EINTR for any stop and have then done nothing, with where they do so.
  private static final Map<Nr, String> BARE_EINTR = Map.ofEntries(
      entry(Nr.EPOLL_PWAIT, "fs/eventpoll.c ep_poll()"), entry(Nr.EPOLL_PWAIT2, "fs/eventpoll.c ep_poll()"),
      entry(Nr.RT_SIGTIMEDWAIT, "kernel/signal.c do_sigtimedwait()"),
      entry(Nr.SEMOP, "ipc/sem.c __do_semtimedop()"), entry(Nr.SEMTIMEDOP, "ipc/sem.c __do_semtimedop()"),
      entry(Nr.IO_GETEVENTS, "fs/aio.c sys_io_getevents()"),
      entry(Nr.IO_URING_ENTER, "io_uring/io_uring.c io_cqring_wait()"),
      entry(Nr.ACCEPT4, "net/core sock_intr_errno(), with SO_RCVTIMEO"),
      entry(Nr.CONNECT, "net/core sock_intr_errno(), with SO_SNDTIMEO"),
      entry(Nr.RECVFROM, "net/core sock_intr_errno(), with SO_RCVTIMEO"),
      entry(Nr.RECVMSG, "net/core sock_intr_errno(), with SO_RCVTIMEO"),
      entry(Nr.RECVMMSG, "net/core sock_intr_errno(), with SO_RCVTIMEO"),
      entry(Nr.SENDTO, "net/core sock_intr_errno(), with SO_SNDTIMEO"),
      entry(Nr.SENDMSG, "net/core sock_intr_errno(), with SO_SNDTIMEO"),
      entry(Nr.SENDMMSG, "net/core sock_intr_errno(), with SO_SNDTIMEO"));

  /// The same, only x86-64 has them: epoll_wait and accept.
  private static final Map<Long, String> BARE_EINTR_X86 =
      Map.of(232L, "fs/eventpoll.c ep_poll()", 43L, "net/core sock_intr_errno(), with SO_RCVTIMEO");

  /// These give a bare -EINTR on sockets with a timeout; on anything else EINTR is that file's own answer.
  private static final Map<Nr, String> BARE_EINTR_ON_SOCKETS = Map.of(
      Nr.READ, "sock_read_iter()", Nr.READV, "sock_read_iter()",
      Nr.WRITE, "sock_write_iter()", Nr.WRITEV, "sock_write_iter()");

  private static final long RESTART_SYSCALL = 219;
  private static final int SYSCALL_INSTRUCTION_BYTES = 2;

  private RestartRules() {}

  /// Whether the argument 0 of a call is a descriptor of a socket: a question to /proc/PID/fd.
  @FunctionalInterface
  interface SocketQuestion {
    boolean isSocket(int fd);
  }

  /// The registers of a task that has just been stopped, with an EINTR that only the stop caused made a restart.
  static Registers repaired(Registers stopped, SocketQuestion sockets) {
    long number = stopped.origRax();
    if (number < 0 || stopped.rax() != -Errno.EINTR.number()) {
      return stopped;
    }
    boolean bare = BARE_EINTR_X86.containsKey(number)
        || BARE_EINTR.keySet().stream().anyMatch(nr -> nr.on(Arch.X86_64) == number)
        || (BARE_EINTR_ON_SOCKETS.keySet().stream().anyMatch(nr -> nr.on(Arch.X86_64) == number)
            && sockets.isSocket((int) stopped.argument(0)));
    return bare ? stopped.withRax(-Errno.ERESTARTNOHAND.number()) : stopped;
  }

  /// Whether the kernel has something left to do about a syscall when a task with these registers goes on.
  public static boolean restarts(Registers stopped) {
    long result = stopped.rax();
    return stopped.origRax() >= 0 && (result == -Errno.ERESTARTSYS.number() || result == -Errno.ERESTARTNOINTR.number()
        || result == -Errno.ERESTARTNOHAND.number() || result == -Errno.ERESTART_RESTARTBLOCK.number());
  }

  /// Where a *live* task goes on when nobody lets the kernel do its part: what the kernel would set if no handler ran.
  /// The restart block of the task must be as the stop left it.
  public static Registers continuation(Registers stopped) {
    if (!restarts(stopped)) {
      return stopped.withOrigRax(-1);
    }
    long number = stopped.rax() == -Errno.ERESTART_RESTARTBLOCK.number() ? RESTART_SYSCALL : stopped.origRax();
    return again(stopped, number);
  }

  /// The registers with which the syscall instruction just left is executed once more.
  static Registers again(Registers stopped, long number) {
    return stopped.withRax(number).withRip(stopped.rip().plus(-SYSCALL_INSTRUCTION_BYTES)).withOrigRax(-1);
  }
}
