package stasis.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// The build that this process runs, as the launcher names it.
///
/// @param root its folder; empty without a launcher @param built when it was built, as text
record Installation(String root, String built) {
  static final String PROPERTY = "stasis.root";

  static Installation own() {
    return at(System.getProperty(PROPERTY, ""));
  }

  private static Installation at(String root) {
    Path app = Path.of(root, "cli", "target", "app");
    return new Installation(root, stamp(app.resolve("built")) + " " + stamp(app.resolve("lib")));
  }

  /// Whether a launcher there would still start the same as this process runs.
  boolean isStill(String asked) {
    return asked.equals(root) && at(root).equals(this);
  }

  private static String stamp(Path file) {
    try {
      return Files.getLastModifiedTime(file).toString();
    } catch (IOException e) {
      return "";
    }
  }
}
