package stasis.procfs;

import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// `/proc/PID/ns/*`: the namespaces of a task by the kernel's link name, e.g. `net`, `pid_for_children`; the value is
/// the inode of nsfs, which names the namespace as long as it lives (namespaces(7)).
public record Namespaces(Map<String, Long> inodeByKind) {
  public Namespaces {
    inodeByKind = Map.copyOf(inodeByKind);
  }

  /// @param targetByName link texts such as `net:[4026531840]`
  public static Namespaces parse(Map<String, String> targetByName) {
    var inodes = new TreeMap<String, Long>();
    targetByName.forEach((name, target) -> {
      int open = target.indexOf(":[");
      if (open < 0 || !target.endsWith("]")) {
        throw new ProcFormatException("ns/" + name, "kind:[inode]", target);
      }
      inodes.put(name, Long.parseUnsignedLong(target.substring(open + 2, target.length() - 1)));
    });
    return new Namespaces(inodes);
  }

  public Optional<Long> inode(String kind) {
    return Optional.ofNullable(inodeByKind.get(kind));
  }
}
