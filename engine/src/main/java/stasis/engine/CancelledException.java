package stasis.engine;

/// Thrown by a [Moment.Listener] to end an operation: as if it had failed at that moment.
public final class CancelledException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public CancelledException() {
    super("cancelled");
  }
}
