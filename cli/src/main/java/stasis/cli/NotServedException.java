package stasis.cli;

/// A request that only a process of its caller's can do. Nothing was begun.
final class NotServedException extends RuntimeException {
  private static final long serialVersionUID = 1;

  NotServedException(String reason) {
    super(reason);
  }
}
