package stasis.tracee;

/// An errand that is not run, for a reason found before the task was touched.
public final class ErrandRefusedException extends Exception {
  private static final long serialVersionUID = 1L;
  private final transient ErrandObstacle obstacle;

  ErrandRefusedException(ErrandObstacle obstacle) {
    super(obstacle.message());
    this.obstacle = obstacle;
  }

  public ErrandObstacle obstacle() {
    return obstacle;
  }
}
