package stasis.tracee;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import stasis.linux.abi.Tid;

/// Where the cgroups of tasks can be looked at, by what is mounted for this process (cgroups(7)).
public final class CgroupFolders {
  private static final int MOUNT_ROOT = 3;
  private static final int MOUNT_POINT = 4;
  private static final String SEPARATOR = " - ";

  /// A line of `/proc/PID/cgroup`. @param controllers of version 1; none for version 2
  public record Membership(Set<String> controllers, String cgroup) {
    public Membership {
      controllers = Set.copyOf(controllers);
    }

    static Membership of(String line) {
      String[] words = line.split(":", 3);
      return new Membership(words[1].isEmpty() ? Set.of() : Set.copyOf(Arrays.asList(words[1].split(","))), words[2]);
    }

    public boolean isUnified() {
      return controllers.isEmpty();
    }
  }

  /// @param root path of the cgroup that is mounted there @param options of the hierarchy; controllers among them
  private record Mount(String root, Path point, boolean unified, Set<String> options) {
    static Mount of(String line) {
      String[] words = line.split(" ", MOUNT_POINT + 2);
      String[] system = line.substring(line.indexOf(SEPARATOR) + SEPARATOR.length()).split(" ");
      return new Mount(words[MOUNT_ROOT], Path.of(words[MOUNT_POINT]), system[0].equals("cgroup2"),
          Set.copyOf(Arrays.asList(system[system.length - 1].split(","))));
    }

    boolean shows(Membership membership) {
      return unified == membership.isUnified() && options.containsAll(membership.controllers());
    }

    /// Nowhere when it lies outside of what is mounted.
    Optional<Path> at(String cgroup) {
      String under = root.equals("/") ? cgroup : cgroup.startsWith(root) ? cgroup.substring(root.length()) : "/..";
      return under.contains("/..") ? Optional.empty() : Optional.of(Path.of(point + under).normalize());
    }
  }

  private final List<Mount> mounts;
  private final Map<Membership, List<Path>> known = new HashMap<>();

  private CgroupFolders(List<Mount> mounts) {
    this.mounts = List.copyOf(mounts);
  }

  /// As things are mounted now.
  public static CgroupFolders look() {
    return of(Path.of("/proc/self/mountinfo"));
  }

  /// As this says, in the form of proc_pid_mountinfo(5).
  public static CgroupFolders of(Path mountInfo) {
    return new CgroupFolders(lines(mountInfo).stream().filter(line -> line.contains(" - cgroup")).map(Mount::of)
        .toList());
  }

  /// The lines of a file; none if it is gone, or not ours to see.
  public static List<String> lines(Path file) {
    try {
      return Files.readAllLines(file, StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      return List.of();
    }
  }

  /// Of each hierarchy one.
  public static List<Membership> of(Tid task) {
    return lines(Path.of("/proc/" + task + "/cgroup")).stream().filter(line -> line.chars().filter(c -> c == ':')
        .count() >= 2).map(Membership::of).toList();
  }

  /// The folder of a cgroup and of those above it, lowest first; none of a hierarchy that is not mounted here.
  public List<Path> upwards(Membership membership) {
    return known.computeIfAbsent(membership, this::find);
  }

  private List<Path> find(Membership membership) {
    return mounts.stream().filter(mount -> mount.shows(membership))
        .flatMap(mount -> mount.at(membership.cgroup()).map(at -> chain(at, mount.point())).orElse(List.of()).stream())
        .distinct().toList();
  }

  private static List<Path> chain(Path lowest, Path top) {
    var folders = new ArrayList<Path>();
    for (Optional<Path> at = Optional.of(lowest); at.isPresent() && at.get().startsWith(top);
        at = Optional.ofNullable(at.get().getParent())) {
      folders.add(at.get());
    }
    return folders;
  }
}
