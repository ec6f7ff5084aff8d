package stasis.cli;

/// Entry point.
final class Main {
  private Main() {}

  static void main() {
    IO.println("stasis");
  }
}
