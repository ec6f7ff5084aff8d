package stasis.cli;

/// What the process ends with. A contract: scripts branch on it.
enum ExitStatus {
  DONE(0),
  USAGE(2),
  /// The tree, the image or this host does not allow it; every obstacle was told.
  REFUSED(3),
  /// It did not work; the target is untouched.
  FAILED(4),
  /// `restore`, which otherwise ends as the program does: it failed and nothing is left behind.
  RESTORE_FAILED(125),
  RESTORE_REFUSED(126),
  CANCELLED(130);

  private final int code;

  ExitStatus(int code) {
    this.code = code;
  }

  int code() {
    return code;
  }
}
