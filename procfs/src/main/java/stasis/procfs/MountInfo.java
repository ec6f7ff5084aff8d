package stasis.procfs;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.linux.abi.PathBytes;

/// `/proc/PID/mountinfo`: the mounts a task sees (proc_pid_mountinfo(5); fs/proc_namespace.c, show_mountinfo()).
public record MountInfo(List<Mount> mounts) {
  /// @param id as `mnt_id` in fdinfo @param parent of the mount it hangs on @param root inside the file system
  /// @param point where it is mounted, below the task's root @param optional such as `shared:2`
  /// @param source a device or any word, one char per byte, unescaped; options are as printed
  public record Mount(int id, int parent, Device device, PathBytes root, PathBytes point, String options,
      List<String> optional, String type, String source, String superOptions) {
    public Mount {
      optional = List.copyOf(optional);
    }
  }

  public MountInfo {
    mounts = List.copyOf(mounts);
  }

  public static MountInfo parse(String latin1) {
    var mounts = new ArrayList<Mount>();
    for (String line : latin1.split("\n")) {
      if (!line.isEmpty()) {
        mounts.add(mount(line));
      }
    }
    return new MountInfo(mounts);
  }

  private static Mount mount(String line) {
    List<String> words = List.of(line.split(" ", -1));
    int dash = words.indexOf("-");
    if (dash < 6 || words.size() < dash + 4) {
      throw new ProcFormatException("mountinfo", "six words, optional words, '-', three words", line);
    }
    String[] device = words.get(2).split(":");
    try {
      return new Mount(Integer.parseInt(words.get(0)), Integer.parseInt(words.get(1)),
          new Device(Integer.parseInt(device[0]), Integer.parseInt(device[1])),
          PathBytes.of(Octal.unescape(words.get(3))), PathBytes.of(Octal.unescape(words.get(4))), words.get(5),
          words.subList(6, dash), words.get(dash + 1),
          Octal.unescape(words.get(dash + 2)), words.get(dash + 3));
    } catch (NumberFormatException | ArrayIndexOutOfBoundsException _) {
      throw new ProcFormatException("mountinfo", "ids and major:minor", line);
    }
  }

  public Optional<Mount> byId(int id) {
    return mounts.stream().filter(mount -> mount.id == id).findFirst();
  }
}
