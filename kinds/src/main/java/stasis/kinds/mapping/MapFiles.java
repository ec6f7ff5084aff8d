package stasis.kinds.mapping;

import java.util.List;
import stasis.linux.abi.PathBytes;
import stasis.linux.abi.RemoteAddress;
import stasis.resource.Host;
import stasis.resource.Obstacle;

/// The links of `/proc/PID/map_files` (proc_pid_map_files(5)): the one way to open what lies below a mapping and has
/// neither path nor descriptor.
public final class MapFiles {
  private MapFiles() {}

  /// The link of the calling task's mapping.
  public static PathBytes own(RemoteAddress start, long lengthBytes) {
    return PathBytes.of("/proc/self/map_files/" + Long.toHexString(start.bits()) + "-"
        + Long.toHexString(start.plus(lengthBytes).bits()));
  }

  /// Who may not follow them cannot restore this.
  public static List<Obstacle> obstacles(String subject, Host host) {
    return host.capabilities().contains("CAP_SYS_ADMIN") || host.capabilities().contains("CAP_CHECKPOINT_RESTORE")
        ? List.of() : List.of(new Obstacle.HostLacks(subject, "links of /proc/PID/map_files may not be followed",
            "run with CAP_CHECKPOINT_RESTORE"));
  }
}
