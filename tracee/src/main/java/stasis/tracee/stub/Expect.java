package stasis.tracee.stub;

/// What a call of a [Batch] must return for the batch to go on.
public sealed interface Expect {
  /// Whatever comes: the caller reads the result.
  record Any() implements Expect {}

  /// No error, that is nothing in -4095..-1.
  record Success() implements Expect {}

  /// This value only, so that a short read or write stops the batch.
  record Exactly(long value) implements Expect {}

  Expect ANY = new Any();
  Expect SUCCESS = new Success();

  static Expect exactly(long value) {
    return new Exactly(value);
  }
}
