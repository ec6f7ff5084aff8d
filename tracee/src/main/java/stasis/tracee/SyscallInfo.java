package stasis.tracee;

import stasis.linux.abi.Bytes;
import stasis.linux.abi.RemoteAddress;

/// A syscall stop: `struct ptrace_syscall_info` (include/uapi/linux/ptrace.h).
///
/// @param next the instruction after the syscall instruction @param value at an exit the result, at an entry the number
public record SyscallInfo(Kind kind, RemoteAddress next, long value) {
  static final int BYTES = 88;

  /// NONE is a stop that is no syscall stop.
  public enum Kind { NONE, ENTRY, EXIT }

  static SyscallInfo parse(Bytes info) {
    Kind kind = switch (info.u8(0)) {
      case 1 -> Kind.ENTRY;
      case 2 -> Kind.EXIT;
      default -> Kind.NONE;
    };
    return new SyscallInfo(kind, new RemoteAddress(info.u64(8)), info.u64(24));
  }
}
