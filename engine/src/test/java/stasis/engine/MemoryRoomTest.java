package stasis.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.tracee.CgroupFolders;
import stasis.tracee.CgroupFolders.Membership;

/// On folders that look like those of cgroups.
class MemoryRoomTest {
  private static final Membership UNIFIED = new Membership(Set.of(), "/outer/inner");
  private static final Membership FIRST = new Membership(Set.of("memory"), "/outer/inner");

  @TempDir
  private Path work;
  private Path inner;
  private Path outer;

  @BeforeEach
  void mount() throws IOException {
    outer = work.resolve("top/outer");
    inner = Files.createDirectories(outer.resolve("inner"));
    file(work, "meminfo", "MemTotal: 9000 kB\nMemAvailable:    1000 kB\nSwapFree: 24 kB\n");
  }

  private static void file(Path folder, String name, String text) throws IOException {
    Files.writeString(folder.resolve(name), text);
  }

  private Optional<String> shortage(Membership membership, long bytes) throws IOException {
    file(work, "mountinfo", "31 23 0:27 / " + work.resolve("top") + " rw - " + (membership.isUnified()
        ? "cgroup2 cgroup2 rw" : "cgroup cgroup rw,memory") + "\n");
    MemoryRoom room = new MemoryRoom(CgroupFolders.of(work.resolve("mountinfo")), work.resolve("meminfo"));
    room.want(List.of(membership, new Membership(Set.of("pids"), "/")), bytes - 1);
    room.want(List.of(membership), 1);
    return room.shortage();
  }

  @Test
  void whatIsLeftBelowTheLimitIsRoom() throws IOException {
    file(inner, "memory.max", "max\n");
    file(inner, "memory.current", "5000\n");
    assertThat(shortage(UNIFIED, 3001)).isEmpty();
    file(inner, "memory.max", "8000\n");
    assertThat(shortage(UNIFIED, 3000)).isEmpty();
    assertThat(shortage(UNIFIED, 3001)).hasValueSatisfying(text -> assertThat(text).contains("3001 bytes",
        inner + "/memory.max has room for 3000"));
  }

  @Test
  void theLimitsOfThoseAboveHoldToo() throws IOException {
    file(inner, "memory.max", "9000000\n");
    file(inner, "memory.current", "5000\n");
    file(outer, "memory.max", "8000\n");
    file(outer, "memory.current", "7000\n");
    assertThat(shortage(UNIFIED, 1001)).hasValueSatisfying(text -> assertThat(text).contains(
        outer + "/memory.max has room for 1000"));
  }

  @Test
  void beyondMemoryHighThereIsNoRoom() throws IOException {
    file(inner, "memory.max", "max\n");
    file(inner, "memory.high", "4000\n");
    file(inner, "memory.current", "5000\n");
    assertThat(shortage(UNIFIED, 1)).hasValueSatisfying(text -> assertThat(text).contains(
        inner + "/memory.high has room for 0"));
  }

  @Test
  void cleanFileCacheThatNobodyUsesIsRoom() throws IOException {
    file(inner, "memory.max", "8000\n");
    file(inner, "memory.current", "8000\n");
    file(inner, "memory.stat", "anon 1\nfile_dirty 100\nfile_writeback 10\ninactive_file 1000\nactive_file 4000\n");
    assertThat(shortage(UNIFIED, 890)).isEmpty();
    assertThat(shortage(UNIFIED, 891)).isPresent();
  }

  @Test
  void theFirstVersionHasItsOwnNames() throws IOException {
    file(inner, "memory.limit_in_bytes", "9223372036854771712\n");
    file(inner, "memory.usage_in_bytes", "5000\n");
    assertThat(shortage(FIRST, 3001)).isEmpty();
    file(inner, "memory.memsw.limit_in_bytes", "8000\n");
    file(inner, "memory.memsw.usage_in_bytes", "6000\n");
    file(inner, "memory.stat", "inactive_file 9\ntotal_inactive_file 1000\ntotal_dirty 500\ntotal_writeback 0\n");
    assertThat(shortage(FIRST, 2500)).isEmpty();
    assertThat(shortage(FIRST, 2501)).hasValueSatisfying(text -> assertThat(text).contains(
        inner + "/memory.memsw.limit_in_bytes has room for 2500"));
  }

  @Test
  void theHostHasWhatIsAvailableAndSwap() throws IOException {
    assertThat(shortage(UNIFIED, 1024 << 10)).isEmpty();
    assertThat(shortage(UNIFIED, (1024 << 10) + 1)).hasValueSatisfying(text -> assertThat(text).contains(
        "this host has room for 1048576"));
  }
}
