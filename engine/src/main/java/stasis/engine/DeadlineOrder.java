package stasis.engine;

/// By when an image has to be there.
///
/// @param withinNs from the call @param goOn whether to go on when that cannot be; else the program is left running
public record DeadlineOrder(long withinNs, boolean goOn) {
  public DeadlineOrder {
    if (withinNs <= 0) {
      throw new IllegalArgumentException("a deadline lies ahead, not at " + withinNs);
    }
  }
}
