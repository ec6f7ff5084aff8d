package stasis.image;

import java.lang.invoke.MethodHandle;

/// Calls of accessors and constructors of records. What they throw passes; there is nothing checked to throw.
final class Handles {
  private Handles() {}

  /// @param handle (Object) → Object
  static Object call(MethodHandle handle, Object argument) {
    try {
      return (Object) handle.invokeExact(argument);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError("a record's accessor or constructor threw a checked exception", e);
    }
  }

  /// @param handle (Object[]) → Object
  static Object construct(MethodHandle handle, Object[] arguments) {
    try {
      return (Object) handle.invokeExact(arguments);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError("a record's constructor threw a checked exception", e);
    }
  }

  /// What a record's constructor has against the values it was given.
  static String reason(String typeName, RuntimeException refusal) {
    String message = refusal.getMessage();
    return typeName + " refuses it: " + (message == null ? refusal.getClass().getSimpleName() : message);
  }
}
