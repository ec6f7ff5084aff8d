package stasis.cli.start;

/// An image that cannot be started from: it has something that a start does not make.
public final class UnfitException extends Exception {
  private static final long serialVersionUID = 1;

  UnfitException(String message) {
    super(message);
  }
}
