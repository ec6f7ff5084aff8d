package stasis.engine;

import java.util.concurrent.atomic.AtomicLong;

/// What a server of pages has done so far. Any thread.
public final class LateFigures {
  private final AtomicLong lateBytes = new AtomicLong();
  private final AtomicLong faults = new AtomicLong();
  private final AtomicLong faultBytes = new AtomicLong();
  private final AtomicLong zeroFaults = new AtomicLong();
  private final AtomicLong backgroundBytes = new AtomicLong();
  private final AtomicLong beganNs = new AtomicLong();
  private final AtomicLong endedNs = new AtomicLong();

  LateFigures() {}

  void begin(long nowNs, long bytes) {
    beganNs.set(nowNs);
    lateBytes.set(bytes);
  }

  void end(long nowNs) {
    endedNs.set(nowNs);
  }

  void fault(long bytes) {
    faults.incrementAndGet();
    faultBytes.addAndGet(bytes);
  }

  void zero() {
    zeroFaults.incrementAndGet();
  }

  void background(long bytes) {
    backgroundBytes.addAndGet(bytes);
  }

  /// What was missing when the tree began to run.
  public long lateBytes() {
    return lateBytes.get();
  }

  /// Of pages with contents.
  public long faults() {
    return faults.get();
  }

  public long faultBytes() {
    return faultBytes.get();
  }

  /// Of pages that hold zeros.
  public long zeroFaults() {
    return zeroFaults.get();
  }

  public long backgroundBytes() {
    return backgroundBytes.get();
  }

  /// From the first instruction of the tree until it had all its pages; 0 before.
  public long fillNs() {
    return Math.max(0, endedNs.get() - beganNs.get());
  }
}
