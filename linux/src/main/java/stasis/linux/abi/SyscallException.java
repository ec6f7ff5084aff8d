package stasis.linux.abi;

/// The kernel said no. Carries what was being attempted and for whom, in words a user can act on.
public final class SyscallException extends Exception {
  private static final long serialVersionUID = 1L;
  private final Nr nr;
  private final Errno errno;

  /// @param attempt what was wanted, for whom: "seize task 4711 (nginx)"
  public SyscallException(Nr nr, Errno errno, String attempt) {
    this(nr, errno, attempt, "");
  }

  /// @param remedy what the user can do about it; empty when there is nothing
  public SyscallException(Nr nr, Errno errno, String attempt, String remedy) {
    super(attempt + ": " + nr.kernelName() + " failed with " + errno + " (" + errno.meaning() + ")"
        + (remedy.isEmpty() ? "" : "; " + remedy));
    this.nr = nr;
    this.errno = errno;
  }

  public Nr nr() {
    return nr;
  }

  public Errno errno() {
    return errno;
  }
}
