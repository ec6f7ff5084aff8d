package stasis.engine;

import java.util.Optional;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.bpf.RestartBlock;
import stasis.linux.sys.Syscalls;
import stasis.resource.CpuState;
import stasis.tracee.Registers;

/// What a restored thread does about the syscall its checkpoint interrupted.
final class RestartCalls {
  /// poll(2) exists on x86-64 only; others have ppoll alone.
  static final int POLL_X86_64 = 7;

  private static final int RESTART_SYSCALL = 219;

  /// linux/futex.h: FUTEX_WAIT_BITSET, whose time is absolute, and the bits of an op that are the command.
  private static final int FUTEX_WAIT_BITSET = 9;
  private static final int FUTEX_COMMAND = 0x7f;

  private RestartCalls() {}

  /// Whether the kernel would go on with the thread's restart block (-516).
  static boolean needsBlock(Registers stopped) {
    return stopped.origRax() >= 0 && stopped.rax() == -Errno.ERESTART_RESTARTBLOCK.number();
  }

  /// The call a thread waits in. Its number is gone once it has been interrupted and goes on in restart_syscall(2); the
  /// restart block, and the arguments, which still stand in the registers, tell it.
  ///
  /// @return restart_syscall's own number where nothing tells more
  static int number(Registers stopped, Optional<RestartBlock> block) {
    if (stopped.origRax() != RESTART_SYSCALL || block.isEmpty()) {
      return (int) stopped.origRax();
    }
    return switch (block.get()) {
      // A clock id and a pointer to a timespec, which is 8-byte aligned, never have the same lower half.
      case RestartBlock.Nanosleep(int clock, _, _) -> (int) stopped.argument(0) == clock
          ? Nr.CLOCK_NANOSLEEP.on(Syscalls.HOST) : Nr.NANOSLEEP.on(Syscalls.HOST);
      case RestartBlock.Futex _ -> Nr.FUTEX.on(Syscalls.HOST);
      case RestartBlock.Poll _ -> POLL_X86_64;
      case RestartBlock.None _, RestartBlock.Unknown _ -> RESTART_SYSCALL;
    };
  }

  /// What is left of the wait a restart block holds; empty where it has no end, or one on a clock that is not read
  /// here.
  static Optional<Long> remainingNs(RestartBlock block) {
    return switch (block) {
      case RestartBlock.Nanosleep(int clock, _, long expiresNs) when clock >= 0 ->
          Optional.of(expiresNs - Clocks.nowNs(clock));
      case RestartBlock.Futex(_, _, _, _, long expiresNs) ->
          Optional.of(expiresNs - Clocks.nowNs(Clocks.MONOTONIC));
      case RestartBlock.Poll(_, _, boolean timed, long expiresNs) when timed ->
          Optional.of(expiresNs - Clocks.nowNs(Clocks.MONOTONIC));
      case RestartBlock.Nanosleep _, RestartBlock.Poll _, RestartBlock.None _, RestartBlock.Unknown _ ->
          Optional.empty();
    };
  }

  /// The registers to be kept. A call without a relative time needs no restart block: it is made again with its own
  /// arguments, unless a handler runs first (ERESTARTNOHAND), which is what -516 means too.
  static Registers collected(Registers stopped, Optional<RestartBlock> block) {
    int number = number(stopped, block);
    boolean endless = number == POLL_X86_64 && (int) stopped.argument(2) < 0;
    boolean absolute = number == Nr.FUTEX.on(Syscalls.HOST)
        && (stopped.argument(1) & FUTEX_COMMAND) == FUTEX_WAIT_BITSET;
    return needsBlock(stopped) && (endless || absolute)
        ? stopped.withOrigRax(number).withRax(-Errno.ERESTARTNOHAND.number()) : stopped;
  }

  /// Whether a timed wait is under way of which nothing is known.
  static boolean isForgotten(CpuState cpu) {
    return cpu.sleep().isEmpty() && needsBlock(Registers.of(cpu.general()));
  }

  /// @param again whether the timed wait was begun again, so that the kernel has a restart block for it
  static Registers forRestore(Registers stopped, boolean again) {
    // Without a block restart_syscall(2) would give EINTR: the whole call once more is nearer to the truth.
    return needsBlock(stopped) && !again ? stopped.withRax(-Errno.ERESTARTNOHAND.number()) : stopped;
  }

  /// @param result of the wait that was begun again and did not wait: its time was over, or what it waits for is there
  static Registers finished(Registers stopped, long result) {
    return stopped.withRax(result).withOrigRax(-1);
  }
}
