package stasis.tracee;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.tracee.CgroupFolders.Membership;

class CgroupFoldersTest {
  private static List<Path> upwards(Path work, String mounts, String line) throws IOException {
    return CgroupFolders.of(Files.writeString(work.resolve("mountinfo"), mounts)).upwards(Membership.of(line));
  }

  @Test
  void aCgroupAndThoseAboveItAreFoundWhereTheirHierarchyIsMounted(@TempDir Path work) throws IOException {
    String mounts = """
        30 23 0:26 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid - cgroup cgroup rw,cpu,cpuacct
        31 23 0:27 / /sys/fs/cgroup/memory rw,nosuid shared:9 - cgroup cgroup rw,memory
        32 23 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate
        """;
    assertThat(upwards(work, mounts, "4:memory:/one/two")).containsExactly(
        Path.of("/sys/fs/cgroup/memory/one/two"), Path.of("/sys/fs/cgroup/memory/one"),
        Path.of("/sys/fs/cgroup/memory"));
    assertThat(upwards(work, mounts, "2:cpu,cpuacct:/")).containsExactly(Path.of("/sys/fs/cgroup/cpu,cpuacct"));
    assertThat(upwards(work, mounts, "0::/a:b")).containsExactly(Path.of("/sys/fs/cgroup/unified/a:b"),
        Path.of("/sys/fs/cgroup/unified"));
    assertThat(upwards(work, mounts, "9:name=systemd:/one")).isEmpty();
  }

  @Test
  void aCgroupOutsideOfWhatIsMountedIsNotFound(@TempDir Path work) throws IOException {
    String mounts = "31 23 0:27 /docker/x /sys/fs/cgroup rw - cgroup2 cgroup rw,nsdelegate\n";
    assertThat(upwards(work, mounts, "0::/docker/x/in")).containsExactly(Path.of("/sys/fs/cgroup/in"),
        Path.of("/sys/fs/cgroup"));
    assertThat(upwards(work, mounts, "0::/other")).isEmpty();
    assertThat(upwards(work, "31 23 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n", "0::/../other")).isEmpty();
  }
}
