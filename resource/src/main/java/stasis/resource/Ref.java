package stasis.resource;

/// A value that exists only once the program has run up to `step`: the result of that step's call. Single assignment.
///
/// @param <T> what the value is, for the reader and the compiler only
@SuppressWarnings("UnusedTypeParameter") // a phantom type: it keeps an fd from being passed for an address
public record Ref<T>(int step) {
  @Override
  public String toString() {
    return "%" + step;
  }
}
