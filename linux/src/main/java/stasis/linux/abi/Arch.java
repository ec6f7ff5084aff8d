package stasis.linux.abi;

/// An instruction set and its syscall ABI. All else that differs between them hangs on `stasis.tracee.Machine`.
public enum Arch {
  X86_64,
  AARCH64
}
