package stasis.tracee.stub;

import stasis.linux.abi.Bytes;

/// What the entries of a batch that ran returned and left behind. Immutable.
public final class Results {
  private final long[] values;
  private final int ran;
  private final Bytes[] contents;

  Results(long[] values, int ran, Bytes[] contents) {
    this.values = values.clone();
    this.ran = ran;
    this.contents = contents.clone();
  }

  /// @param index an entry @return the kernel's result: the value, or minus errno
  /// @throws IllegalArgumentException if the batch ended before that entry
  public long of(int index) {
    if (index >= ran) {
      throw new IllegalArgumentException("entry " + index + " did not run: the batch ended after " + ran);
    }
    return values[index];
  }

  /// Content of a [Batch#space] or [Batch#exchange] slot when the batch ended; what was put in, for other slots.
  public Bytes of(Slot slot) {
    return contents[slot.number()];
  }

  /// How many entries ran, one with an unmet expectation included.
  public int ran() {
    return ran;
  }
}
