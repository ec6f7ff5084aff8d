package stasis.tracee;

import stasis.linux.abi.Arch;
import stasis.linux.abi.Bytes;

/// What differs between instruction sets: the seam at which another one would be added. All else in this package that
/// knows registers or instructions is reached through it.
///
/// @param syscallInstruction the bytes that enter the kernel @param pageBytes size of the smallest page
public record Machine(Arch arch, Bytes syscallInstruction, int pageBytes, int seccompArch) {
  private static final int AUDIT_ARCH_X86_64 = 0xc000003e;

  /// @throws UnsupportedOperationException for an architecture this version cannot trace
  public static Machine of(Arch arch) {
    return switch (arch) {
      case X86_64 -> new Machine(arch, Bytes.hex("0f05"), 4096, AUDIT_ARCH_X86_64);
      case AARCH64 -> throw new UnsupportedOperationException(
          "aarch64: registers, restart rules and the parachute's code are written for x86-64 only");
    };
  }
}
