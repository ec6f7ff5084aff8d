package stasis.procfs;

/// A line of /proc is not of the shape this code knows: another kernel, or our mistake. Never guessed around.
public final class ProcFormatException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  ProcFormatException(String file, String expected, String found) {
    super(file + ": expected " + expected + ", found '" + found + "'");
  }
}
