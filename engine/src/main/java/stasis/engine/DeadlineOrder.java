package stasis.engine;

/// By when an image has to be there.
///
/// @param withinNs of all @param spentNs what of that is over already
/// @param goOn whether to go on when that cannot be; else the program is left running
public record DeadlineOrder(long withinNs, long spentNs, boolean goOn) {
  public DeadlineOrder {
    if (withinNs <= 0 || spentNs < 0) {
      throw new IllegalArgumentException("a deadline lies ahead, not at " + withinNs + " after " + spentNs);
    }
  }
}
