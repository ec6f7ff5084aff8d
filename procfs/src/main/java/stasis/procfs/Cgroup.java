package stasis.procfs;

import java.util.ArrayList;
import java.util.List;
import stasis.linux.abi.PathBytes;

/// `/proc/PID/cgroup` (cgroups(7)): one line per hierarchy.
public record Cgroup(List<Line> lines) {
  /// @param hierarchy 0 for version 2 @param controllers of version 1, or `name=x`; empty for version 2
  public record Line(int hierarchy, List<String> controllers, PathBytes path) {
    public Line {
      controllers = List.copyOf(controllers);
    }
  }

  public Cgroup {
    lines = List.copyOf(lines);
  }

  public static Cgroup parse(String latin1) {
    var lines = new ArrayList<Line>();
    for (String line : latin1.split("\n")) {
      String[] parts = line.split(":", 3);
      if (parts.length == 3) {
        lines.add(new Line(Integer.parseInt(parts[0]), parts[1].isEmpty() ? List.of() : List.of(parts[1].split(",")),
            PathBytes.of(parts[2])));
      } else if (!line.isEmpty()) {
        throw new ProcFormatException("cgroup", "id:controllers:path", line);
      }
    }
    return new Cgroup(lines);
  }
}
