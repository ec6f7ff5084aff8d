package stasis.kinds.group.sysv;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.kinds.group.sysv.SystemVIpc.Identity;
import stasis.resource.Host;
import stasis.resource.Obstacle;

/// One object as it was, beside those of its sort that the host has now (proc_sysvipc(5)).
///
/// @param sort `sem` or `msg` @param size how many semaphores; -1 where that does not matter
/// @param now the lines of the host's table
record IpcTable(String sort, Identity was, int size, List<List<Long>> now) {
  private static final int KEY = 0;
  private static final int ID = 1;
  private static final int SEMAPHORES = 3;

  static List<IpcTable> of(SystemVIpc.State state, Host host) {
    var tables = new ArrayList<IpcTable>();
    List<List<Long>> sets = state.apart() ? List.of() : lines(host, "sem");
    List<List<Long>> queues = state.apart() ? List.of() : lines(host, "msg");
    state.sets().forEach(set -> tables.add(new IpcTable("sem", set.identity(), set.values().size(), sets)));
    state.queues().forEach(queue -> tables.add(new IpcTable("msg", queue.identity(), -1, queues)));
    return tables;
  }

  private static List<List<Long>> lines(Host host, String sort) {
    var lines = new ArrayList<List<Long>>();
    for (String line : host.systemVIpc(sort).lines().skip(1).toList()) {
      var numbers = new ArrayList<Long>();
      for (String word : line.strip().split(" +")) {
        numbers.add(Long.parseLong(word));
      }
      lines.add(numbers);
    }
    return lines;
  }

  String subject() {
    return (sort.equals("sem") ? "semaphore set " : "message queue ") + was.id();
  }

  private Optional<List<Long>> withId() {
    return now.stream().filter(line -> line.get(ID) == was.id()).findFirst();
  }

  private int creatorAt() {
    return sort.equals("sem") ? 6 : 9;
  }

  private boolean isSame(List<Long> line) {
    return line.get(KEY).intValue() == was.key() && line.get(creatorAt()).intValue() == was.creatorUid()
        && line.get(creatorAt() + 1).intValue() == was.creatorGid() && (size < 0 || line.get(SEMAPHORES) == size);
  }

  boolean isThere() {
    return withId().filter(this::isSame).isPresent();
  }

  Optional<Obstacle> obstacle(Host host) {
    if (isThere()) {
      return Optional.empty();
    }
    String remove = "remove it (ipcrm " + (sort.equals("sem") ? "-s " : "-q ");
    if (withId().isPresent()) {
      return Optional.of(new Obstacle.Changed(subject(), "the one with key 0x" + Integer.toHexString(was.key()),
          "another with that id", remove + was.id() + ")"));
    }
    Optional<List<Long>> withKey = now.stream().filter(line -> was.key() != 0 && line.get(KEY).intValue() == was.key())
        .findFirst();
    if (withKey.isPresent()) {
      return Optional.of(new Obstacle.HostLacks(subject(), "its key 0x" + Integer.toHexString(was.key())
          + " is that of " + withKey.get().get(ID) + " now", remove + withKey.get().get(ID) + ")"));
    }
    return host.capabilities().contains("CAP_SYS_ADMIN") || host.capabilities().contains("CAP_CHECKPOINT_RESTORE")
        ? Optional.empty() : Optional.of(new Obstacle.HostLacks(subject(),
            "it is gone, and one with a given id cannot be made", "run with CAP_CHECKPOINT_RESTORE"));
  }
}
