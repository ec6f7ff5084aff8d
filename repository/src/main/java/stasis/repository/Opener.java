package stasis.repository;

/// Gets the key out of a box.
@FunctionalInterface
interface Opener {
  /// @param what is closed, for messages @throws ImageException when it cannot
  byte[] open(KeyBox box, String what) throws ImageException;

  /// What is not closed although it was expected to be may be another's.
  default void notClosed(String what) throws ImageException {}

  /// By keys that were given.
  static Opener of(Keys keys) {
    return new Opener() {
      @Override
      public byte[] open(KeyBox box, String what) throws ImageException {
        return box.open(keys, what);
      }

      @Override
      public void notClosed(String what) throws ImageException {
        if (!keys.isEmpty()) {
          throw new ImageException(ImageException.Reason.LOCKED, what + " is not encrypted, and a key was given",
              "leave the key out if that is the one you mean");
        }
      }
    };
  }
}
