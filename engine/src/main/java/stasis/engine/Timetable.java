package stasis.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.LongSupplier;
import stasis.linux.abi.Tid;
import stasis.resource.ObstructedException;

/// Whether an image will be there in time, by what storing it has taken so far, and what is to be done next: copy ahead
/// once more, or freeze. Says so as soon as it knows that it will not. For one thread.
final class Timetable {
  /// What part of the time goes by before a speed is believed.
  private static final int PART_FOR_SPEED = 20;
  /// Kept for what cannot be measured before it is done: collecting, encoding, the last sync, reading back.
  private static final long RESERVE_NS = 300_000_000L;
  private static final int PART_IN_RESERVE = 20;
  private static final int STOPS_IN_RESERVE = 5;
  private static final long FEW_BYTES = 4 << 20;
  private static final long NS_PER_S = 1_000_000_000L;

  /// What to do after a short freeze.
  enum Next { COPY, FREEZE }

  private final DeadlineOrder order;
  private final Tid root;
  private final LongSupplier nowNs;
  private final long endNs;
  private final List<String> told = new ArrayList<>();
  private long beganNs;
  private double bytesPerNs;
  private long besidesBytes;
  private long longestStopNs;
  private long lastRoundNs;
  private boolean late;

  Timetable(DeadlineOrder order, Tid root, LongSupplier nowNs, long startNs) {
    this.order = order;
    this.root = root;
    this.nowNs = nowNs;
    this.endNs = startNs + order.withinNs() - order.spentNs();
  }

  /// In a short freeze: it is known what was written since the last one.
  ///
  /// @param writtenBytes what a round would copy @param besides what only the last freeze can @param stoppedNs so far
  Next asked(long writtenBytes, long besides, long stoppedNs) throws ObstructedException {
    besidesBytes = besides;
    longestStopNs = Math.max(longestStopNs, stoppedNs);
    if (bytesPerNs == 0) {
      return Next.COPY; // nothing is known before something was copied
    }
    if (takesNs(writtenBytes + besides) > leftNs()) {
      late(writtenBytes + besides);
      return Next.FREEZE;
    }
    long roundNs = (long) (writtenBytes / bytesPerNs);
    double writtenPerNs = lastRoundNs == 0 ? 0 : (double) writtenBytes / lastRoundNs;
    long nextBytes = (long) (writtenPerNs * roundNs);
    boolean helps = writtenBytes > FEW_BYTES && nextBytes < writtenBytes - writtenBytes / 4;
    return helps && roundNs + takesNs(nextBytes + besides) <= leftNs() ? Next.COPY : Next.FREEZE;
  }

  /// A round, or the last copy, begins.
  void begin() {
    beganNs = nowNs.getAsLong();
  }

  /// How far it is. What lies in buffers counts as stored, so the speed is at most that: who would be late at it is.
  ///
  /// @param doneBytes of the copy that goes on
  void progress(long doneBytes, long totalBytes) throws ObstructedException {
    check();
    long lastedNs = nowNs.getAsLong() - beganNs;
    if (lastedNs >= order.withinNs() / PART_FOR_SPEED) {
      bytesPerNs = Math.max(1, doneBytes) / (double) lastedNs;
      long comingBytes = totalBytes - doneBytes + besidesBytes;
      if (takesNs(comingBytes) > leftNs()) {
        late(comingBytes);
      }
    }
  }

  /// A round is on the device.
  void copied(long bytes) {
    lastRoundNs = Math.max(1, nowNs.getAsLong() - beganNs);
    if (bytes >= FEW_BYTES || bytesPerNs == 0) {
      bytesPerNs = Math.max(bytes, 1) / (double) lastRoundNs;
    }
  }

  /// In the last freeze: it is known what is left.
  void lastly(long comingBytes) throws ObstructedException {
    besidesBytes = 0;
    check();
    if (bytesPerNs > 0 && (long) (comingBytes / bytesPerNs) > leftNs()) {
      late(comingBytes);
    }
    begin();
  }

  /// Whether the time is over.
  void check() throws ObstructedException {
    if (leftNs() < 0 && !late) {
      missed("the time is over: its image was not whole within " + seconds(order.withinNs()));
    }
  }

  private long leftNs() {
    return endNs - nowNs.getAsLong();
  }

  private long reserveNs() {
    return RESERVE_NS + order.withinNs() / PART_IN_RESERVE + STOPS_IN_RESERVE * longestStopNs;
  }

  private long takesNs(long bytes) {
    return (long) (bytes / bytesPerNs) + reserveNs();
  }

  private void late(long comingBytes) throws ObstructedException {
    if (!late) {
      missed("its image cannot be there within %s: %d MiB are still to be stored at %.1f MiB/s, which takes %s, and %s"
          .formatted(seconds(order.withinNs()), comingBytes >> 20, bytesPerNs * NS_PER_S / (1 << 20),
              seconds((long) (comingBytes / bytesPerNs)), seconds(reserveNs()))
          + " for the rest; " + seconds(Math.max(0, leftNs())) + " are left");
    }
  }

  private void missed(String why) throws ObstructedException {
    late = true;
    if (!order.goOn()) {
      throw new ObstructedException("task " + root, why + "; it runs on and nothing was stored",
          "give it more time or a faster place, or --if-late=go-on");
    }
    told.add(why + "; this went on all the same");
  }

  private static String seconds(long ns) {
    return String.format(Locale.ROOT, "%.1f s", (double) ns / NS_PER_S);
  }

  /// What the user should know.
  List<String> told() {
    return List.copyOf(told);
  }

  /// Now that the image is there.
  DeadlineReport report() {
    if (leftNs() < 0 && !late) {
      told.add("its image was there " + seconds(-leftNs()) + " too late");
    }
    return new DeadlineReport(order.withinNs(), leftNs(), (long) (bytesPerNs * NS_PER_S));
  }
}
