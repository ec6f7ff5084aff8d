package stasis.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import stasis.linux.abi.Bytes;
import stasis.linux.peer.FileStamps;

/// What this process was built from, where that is a checkout: a process that starts from an image of it looks whether
/// the build would still be the same, as the launcher's `stale` does for one that starts anew.
///
/// @param target where a build writes; empty where this is no checkout @param stamps of every file and folder that is
/// compiled; empty where some were newer than the build already
record Sources(Optional<Path> target, Optional<FileStamps> stamps) {
  private static final String MAIN = "src/main";
  private static final String PROJECT = "pom.xml";

  /// As they are now. A module that is added later counts as soon as the project's own pom.xml names it.
  ///
  /// @param root of the checkout or installation
  static Sources of(Path root) throws IOException {
    if (!Files.isDirectory(root.resolve("cli/src"))) {
      return new Sources(Optional.empty(), Optional.empty());
    }
    Path target = root.resolve("cli/target");
    Path built = target.resolve("app/built");
    List<Path> all = new ArrayList<>(List.of(built, root.resolve(PROJECT)));
    try (Stream<Path> folders = Files.list(root)) {
      for (Path folder : folders.filter(Files::isDirectory).filter(one -> !name(one).startsWith(".")).toList()) {
        all.add(folder.resolve(PROJECT));
        Path main = folder.resolve(MAIN);
        if (Files.isDirectory(main)) {
          try (Stream<Path> below = Files.walk(main)) {
            below.forEach(all::add);
          }
        } else {
          all.add(main);
        }
      }
    }
    FileStamps stamps = FileStamps.of(all.stream().map(Sources::text).toList());
    return new Sources(Optional.of(target), isCurrent(built, all) ? Optional.of(stamps) : Optional.empty());
  }

  private static boolean isCurrent(Path built, List<Path> all) throws IOException {
    // Other names may not be what the kernel calls them.
    if (!Files.exists(built) || !all.stream().allMatch(one -> one.toString().chars().allMatch(c -> c < 0x80))) {
      return false;
    }
    FileTime when = Files.getLastModifiedTime(built);
    for (Path one : all) {
      if (Files.exists(one) && Files.getLastModifiedTime(one).compareTo(when) > 0) {
        return false;
      }
    }
    return true;
  }

  private static Bytes text(Path path) {
    return Bytes.of(path.toString().getBytes(StandardCharsets.UTF_8));
  }

  private static String name(Path folder) {
    return String.valueOf(folder.getFileName());
  }

  /// Whether the launcher would look at them, and may build.
  ///
  /// @param variables of who asks
  boolean areAsked(Map<String, String> variables) {
    return target.filter(Files::isWritable).isPresent() && !variables.getOrDefault("STASIS_BUILD", "").equals("never");
  }

  boolean areKnown() {
    return stamps.isPresent();
  }

  boolean areSame() {
    return stamps.filter(FileStamps::areSame).isPresent();
  }
}
