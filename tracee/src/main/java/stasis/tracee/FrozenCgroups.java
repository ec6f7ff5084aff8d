package stasis.tracee;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import stasis.linux.abi.Tid;

/// Which cgroups hold their tasks still, by themselves or from above: `cgroup.freeze` of cgroup v2, `freezer.state` of
/// v1 (cgroups(7)). A task in one can be stopped by ptrace(2) at best, and runs nothing.
final class FrozenCgroups {
  private static final String UNIFIED = "0::";
  private static final String FREEZER = "freezer";
  private static final int MOUNT_ROOT = 3;
  private static final int MOUNT_POINT = 4;

  /// A hierarchy. @param root path of the cgroup that is mounted there
  private record Mount(String root, Path point) {
    /// Where a cgroup is to be looked at; nowhere when it lies outside of what is mounted.
    Optional<Path> at(String cgroup) {
      String under = root.equals("/") ? cgroup : cgroup.startsWith(root) ? cgroup.substring(root.length()) : "/..";
      return under.contains("/..") ? Optional.empty() : Optional.of(Path.of(point + under));
    }
  }

  private final Optional<Mount> unified;
  private final Optional<Mount> freezer;
  private final Map<String, Optional<Path>> known = new HashMap<>();

  private FrozenCgroups(Optional<Mount> unified, Optional<Mount> freezer) {
    this.unified = unified;
    this.freezer = freezer;
  }

  /// As they are mounted for this process; a hierarchy that is not mounted holds nobody.
  static FrozenCgroups look() {
    List<String> mounts = lines(Path.of("/proc/self/mountinfo"));
    return new FrozenCgroups(mount(mounts, " - cgroup2 ", ""), mount(mounts, " - cgroup ", FREEZER));
  }

  private static Optional<Mount> mount(List<String> mounts, String type, String option) {
    return mounts.stream().filter(line -> line.contains(type) && line.substring(line.indexOf(type)).contains(option))
        .map(line -> line.split(" ", MOUNT_POINT + 2))
        .map(words -> new Mount(words[MOUNT_ROOT], Path.of(words[MOUNT_POINT]))).findFirst();
  }

  private static List<String> lines(Path file) {
    try {
      return Files.readAllLines(file, StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      return List.of(); // gone, or not ours to see: whether it stops will show
    }
  }

  /// The file that says so of a task's cgroup, or of one above; each cgroup is looked at once.
  Optional<Path> holding(Tid task) {
    for (String line : lines(Path.of("/proc/" + task + "/cgroup"))) {
      Optional<Path> found = known.computeIfAbsent(line, this::holding);
      if (found.isPresent()) {
        return found;
      }
    }
    return Optional.empty();
  }

  /// @param line `ID:CONTROLLERS:PATH`
  private Optional<Path> holding(String line) {
    String cgroup = line.substring(line.indexOf(':', line.indexOf(':') + 1) + 1);
    if (line.startsWith(UNIFIED)) {
      return unified.flatMap(mount -> mount.at(cgroup).flatMap(at -> frozen(at, mount.point())));
    }
    return line.contains(":" + FREEZER + ":") ? freezer.flatMap(mount -> mount.at(cgroup))
        .map(at -> at.resolve("freezer.state"))
        .filter(state -> lines(state).stream().anyMatch(word -> !word.equals("THAWED"))) : Optional.empty();
  }

  private static Optional<Path> frozen(Path cgroup, Path top) {
    for (Optional<Path> at = Optional.of(cgroup.normalize()); at.isPresent() && at.get().startsWith(top);
        at = Optional.ofNullable(at.get().getParent())) {
      Path state = at.get().resolve("cgroup.freeze");
      if (lines(state).contains("1")) {
        return Optional.of(state);
      }
    }
    return Optional.empty();
  }
}
