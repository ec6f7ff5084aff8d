package stasis.resource;

/// Carries one [Obstacle] out of a kind; the engine collects them.
public final class ObstructedException extends Exception {
  private static final long serialVersionUID = 1L;
  private final transient Obstacle obstacle;

  public ObstructedException(Obstacle obstacle) {
    super(obstacle.text());
    this.obstacle = obstacle;
  }

  public ObstructedException(String subject, String reason, String remedy) {
    this(new Obstacle.Unsupported(subject, reason, remedy));
  }

  /// What the cause says is the reason.
  public ObstructedException(String subject, Exception cause, String remedy) {
    this(subject, String.valueOf(cause.getMessage()), remedy);
    initCause(cause);
  }

  public Obstacle obstacle() {
    return obstacle;
  }
}
