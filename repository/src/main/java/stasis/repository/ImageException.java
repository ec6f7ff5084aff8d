package stasis.repository;

import java.util.Objects;

/// An image could not be written or read. The message is one sentence for the user: what, where, what to do.
public final class ImageException extends Exception {
  private static final long serialVersionUID = 1L;
  private final Reason reason;
  private final String remedy;

  /// What callers branch on.
  public enum Reason {
    /// The folder already holds an image, or another writer is at work there.
    OCCUPIED,
    /// The folder cannot be used: permissions, not a folder, not there, read-only.
    NO_ACCESS,
    /// No space, quota, or the device failed.
    DEVICE,
    /// There is no image there.
    NO_IMAGE,
    /// An image with a version or features this reader does not know.
    TOO_NEW,
    /// Bytes are missing or changed.
    DAMAGED,
    /// It is encrypted, and no key that was given opens it; or a key was given and it is not.
    LOCKED,
    /// Nobody whom the restorer's policy accepts has signed it.
    UNTRUSTED,
    /// The thread was interrupted, which closes the file it writes or reads.
    CANCELLED
  }

  /// @param problem what happened, with the path @param remedy what to do; both without a full stop
  public ImageException(Reason reason, String problem, String remedy) {
    super(problem + "; " + remedy);
    this.reason = reason;
    this.remedy = remedy;
  }

  public ImageException(Reason reason, String problem, String remedy, Throwable cause) {
    this(reason, problem, remedy);
    initCause(cause);
  }

  @Override
  public String getMessage() {
    return Objects.requireNonNull(super.getMessage());
  }

  public Reason reason() {
    return reason;
  }

  public String remedy() {
    return remedy;
  }
}
