package stasis.tracee;

import java.util.ArrayList;
import java.util.List;
import stasis.linux.abi.Arch;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;

/// Says no before a register is changed: what would make injected calls, or the way back, fail in one task.
///
/// @param filters the task's seccomp filters; a call must pass all of them
record InjectionGuard(Tid task, TaskStatus status, List<SeccompFilter> filters) {
  private static final long TRAP_FLAG = 0x100;
  private static final int MOST_FILTERS = 4096;

  /// Which words of `struct seccomp_data` are known: all but the arguments named in `unknown`.
  record Planned(String name, long number, RemoteAddress next, List<Long> arguments, int unknown) {
    SeccompFilter.Call call() {
      int known = 0xffff;
      for (int i = 0; i < 6; i++) {
        if (((unknown >> i) & 1) != 0) {
          known &= ~(3 << (4 + 2 * i));
        }
      }
      return new SeccompFilter.Call((int) number, Machine.of(Arch.X86_64).seccompArch(), next.bits(), arguments, known);
    }
  }

  static InjectionGuard of(Ptrace ptrace, LiveTask task) throws ErrandRefusedException, SyscallException {
    Tid tid = task.tid();
    Registers registers = task.registers();
    if (!registers.is64Bit()) {
      throw new ErrandRefusedException(new ErrandObstacle.Compat(tid, registers.get(Registers.Name.CS)));
    }
    if ((registers.get(Registers.Name.EFLAGS) & TRAP_FLAG) != 0) {
      throw new ErrandRefusedException(new ErrandObstacle.TrapFlag(tid));
    }
    if (ptrace.syscallUserDispatch(tid).filter(SyscallUserDispatch::on).isPresent()) {
      throw new ErrandRefusedException(new ErrandObstacle.UserDispatch(tid));
    }
    TaskStatus status = TaskStatus.of(tid)
        .orElseThrow(() -> new ErrandRefusedException(new ErrandObstacle.SeccompUnknown(tid, "it is gone")));
    if (status.shadowStack()) {
      throw new ErrandRefusedException(new ErrandObstacle.ShadowStack(tid));
    }
    return new InjectionGuard(tid, status, switch (status.seccompMode()) {
      case 0 -> List.of();
      case 2 -> filters(ptrace, tid);
      default -> throw new ErrandRefusedException(
          new ErrandObstacle.SeccompForbids(tid, "injected call (strict mode)"));
    });
  }

  /// @throws ErrandRefusedException when a filter might do anything but let the call pass
  void permit(Planned planned) throws ErrandRefusedException {
    for (SeccompFilter filter : filters) {
      if (!filter.allows(planned.call())) {
        throw new ErrandRefusedException(new ErrandObstacle.SeccompForbids(task, planned.name()));
      }
    }
  }

  private static List<SeccompFilter> filters(Ptrace ptrace, Tid tid) throws ErrandRefusedException {
    var filters = new ArrayList<SeccompFilter>();
    try {
      for (int i = 0; i < MOST_FILTERS; i++) {
        var program = ptrace.seccompFilter(tid, i);
        if (program.isEmpty()) {
          return List.copyOf(filters);
        }
        filters.add(new SeccompFilter(program.get()));
      }
      throw new ErrandRefusedException(new ErrandObstacle.SeccompUnknown(tid, "more than " + MOST_FILTERS));
    } catch (SyscallException e) {
      throw new ErrandRefusedException(new ErrandObstacle.SeccompUnknown(tid, e.errno().meaning()));
    }
  }
}
