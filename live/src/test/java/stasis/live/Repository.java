package stasis.live;

import java.nio.file.Files;
import java.nio.file.Path;

/// Where the sources are that these tests were built from.
public final class Repository {
  private Repository() {}

  public static Path root() {
    for (Path folder = Path.of("").toAbsolutePath(); folder != null; folder = folder.getParent()) {
      if (Files.isRegularFile(folder.resolve("bin/stasis")) && Files.isRegularFile(folder.resolve("pom.xml"))) {
        return folder;
      }
    }
    throw new AssertionError("not run in a checkout");
  }
}
