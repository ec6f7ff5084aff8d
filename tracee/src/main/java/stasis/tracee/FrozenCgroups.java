package stasis.tracee;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import stasis.linux.abi.Tid;

/// Which cgroups hold their tasks still, by themselves or from above: `cgroup.freeze` of cgroup v2, `freezer.state` of
/// v1 (cgroups(7)). A task in one can be stopped by ptrace(2) at best, and runs nothing.
final class FrozenCgroups {
  private static final String FREEZER = "freezer";

  private final CgroupFolders folders;
  private final Map<CgroupFolders.Membership, Optional<Path>> known = new HashMap<>();

  private FrozenCgroups(CgroupFolders folders) {
    this.folders = folders;
  }

  /// As they are mounted for this process; a hierarchy that is not mounted holds nobody.
  static FrozenCgroups look() {
    return new FrozenCgroups(CgroupFolders.look());
  }

  /// The file that says so of a task's cgroup, or of one above; each cgroup is looked at once.
  Optional<Path> holding(Tid task) {
    for (CgroupFolders.Membership membership : CgroupFolders.of(task)) {
      Optional<Path> found = known.computeIfAbsent(membership, this::holding);
      if (found.isPresent()) {
        return found;
      }
    }
    return Optional.empty();
  }

  private Optional<Path> holding(CgroupFolders.Membership membership) {
    List<Path> upwards = folders.upwards(membership);
    if (membership.isUnified()) {
      return upwards.stream().map(at -> at.resolve("cgroup.freeze"))
          .filter(state -> CgroupFolders.lines(state).contains("1")).findFirst();
    }
    // Those below show what is above (freezer_read() in kernel/cgroup/legacy_freezer.c).
    return membership.controllers().contains(FREEZER) ? upwards.stream().limit(1)
        .map(at -> at.resolve("freezer.state"))
        .filter(state -> CgroupFolders.lines(state).stream().anyMatch(word -> !word.equals("THAWED"))).findFirst()
        : Optional.empty();
  }
}
