package stasis.linux.sys;

/// What java.lang.Thread leaves to its users.
public final class Threads {
  private Threads() {}

  /// Returns when it has ended, also where the caller is interrupted meanwhile, who is told afterwards: nobody closes
  /// what another thread still uses. A thread that was never started has ended.
  public static void awaitEnd(Thread thread) {
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
