package stasis.tracee;

/// Signal numbers this package names; the same on x86-64 and aarch64 (include/uapi/asm-generic/signal.h).
final class Signals {
  static final int SIGTRAP = 5;
  static final int SIGKILL = 9;
  static final int SIGCHLD = 17;
  static final int SIGSTOP = 19;

  private Signals() {}
}
