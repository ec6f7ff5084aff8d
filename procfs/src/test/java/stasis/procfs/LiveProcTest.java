package stasis.procfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.linux.abi.Fd;
import stasis.linux.abi.PathBytes;
import stasis.linux.abi.Tid;

/// The reader against the running kernel; the task looked at is this JVM.
class LiveProcTest {
  private static final Tid SELF = new Tid((int) ProcessHandle.current().pid());
  private final ProcTask self = Proc.live().task(SELF);

  @Test
  void allFilesOfThisJvmParse() throws Exception {
    assertThat(self.maps().special("[vdso]")).isPresent();
    assertThat(self.smaps().entries()).isNotEmpty().allMatch(entry -> entry.flags().unknown().isEmpty());
    assertThat(self.status().tgid()).isEqualTo(SELF);
    assertThat(self.stat().pid()).isEqualTo(SELF.value());
    assertThat(self.threads()).contains(SELF);
    assertThat(self.limits().byResource()).hasSize(16);
    assertThat(self.mountInfo().mounts()).isNotEmpty();
    assertThat(self.cgroup().lines()).isNotEmpty();
    assertThat(self.numaMaps().entries()).isNotEmpty();
    assertThat(self.auxv().value(Auxv.AT_ENTRY)).isPresent();
    assertThat(self.exe().toString()).contains("java");
    for (Tid thread : self.threads()) {
      try {
        assertThat(self.thread(thread).status().pid()).isEqualTo(thread);
      } catch (TaskGoneException _) {
        // a thread of the JVM may end at any time
      }
    }
  }

  @Test
  void statThroughTheLinkReachesADeletedFileWithAnyBytesInItsName(@TempDir Path folder) throws Exception {
    String odd = "n\u00e9\nw (deleted)";
    Path made = Files.createFile(folder.resolve("plain"));
    Files.writeString(made, "12345");
    try (var open = Files.newByteChannel(made)) {
      assertThat(open.size()).isEqualTo(5);
      Path link = folder.resolve("link");
      ProcFile files = new ProcFile();
      String python = "import os,sys; os.symlink(" + pythonBytes(odd) + ", sys.argv[1])";
      Process ln = new ProcessBuilder("python3", "-c", python, link.toString()).inheritIO().start();
      assertThat(ln.waitFor()).isZero();
      assertThat(files.link(folder, link)).isEqualTo(PathBytes.of(odd));
      Files.delete(made);
      List<FdLink> deleted = self.fds().stream().flatMap(fd -> link(fd).stream())
          .filter(l -> l.target().latin1().endsWith("plain (deleted)")).toList();
      assertThat(deleted).hasSize(1);
      assertThat(deleted.getFirst().stat().sizeBytes()).isEqualTo(5);
      assertThat(deleted.getFirst().stat().type()).isEqualTo(FileStat.S_IFREG);
      assertThat(deleted.getFirst().stat().links()).isZero();
    }
  }

  private List<FdLink> link(Fd fd) {
    try {
      return List.of(self.fdLink(fd));
    } catch (ProcException _) {
      return List.of();
    }
  }

  private static String pythonBytes(String latin1) {
    var text = new StringBuilder("b'");
    for (byte b : latin1.getBytes(StandardCharsets.ISO_8859_1)) {
      text.append(String.format("\\x%02x", b));
    }
    return text.append("'").toString();
  }

  @Test
  void anEndedTaskIsGoneAndAClosedDescriptorIsAbsent() throws Exception {
    Process ended = new ProcessBuilder("true").start();
    assertThat(ended.waitFor()).isZero();
    ProcTask task = Proc.live().task(new Tid((int) ended.pid()));
    assertThatThrownBy(task::status).isInstanceOf(TaskGoneException.class);
    assertThatThrownBy(task::threads).isInstanceOf(TaskGoneException.class);
    assertThatThrownBy(task::fds).isInstanceOf(TaskGoneException.class);
    assertThatThrownBy(task::exe).isInstanceOf(TaskGoneException.class);
    assertThatThrownBy(() -> self.fdInfo(new Fd(999_999))).isInstanceOf(ProcAbsentException.class);
    assertThatThrownBy(() -> self.fdLink(new Fd(999_999))).isInstanceOf(ProcAbsentException.class);
    assertThatThrownBy(() -> self.text("no-such-file")).isInstanceOf(ProcAbsentException.class);
  }

  @Test
  void aZombieHasAStatusButItsMemoryIsGone() throws Exception {
    String python = "import os,time; p = os.fork(); p or os._exit(0); print(p, flush=True); time.sleep(20)";
    Process parent = new ProcessBuilder("python3", "-c", python).start();
    try (var out = parent.inputReader()) {
      ProcTask zombie = Proc.live().task(new Tid(Integer.parseInt(out.readLine())));
      for (int i = 0; zombie.status().state() != 'Z' && i < 500; i++) {
        Thread.sleep(10);
      }
      assertThat(zombie.status().state()).isEqualTo('Z');
      assertThat(zombie.maps().vmas()).isEmpty();
      assertThatThrownBy(zombie::auxv).isInstanceOf(TaskGoneException.class);
    } finally {
      parent.destroyForcibly().waitFor();
    }
  }

  @Test
  void aFileThatMayNotBeReadIsDeniedAndNotGone(@TempDir Path task) throws Exception {
    Path file = task.resolve("maps");
    assertThat(ProcFile.sorted(task, file, new AccessDeniedException("maps")))
        .isInstanceOf(ProcDeniedException.class);
    assertThat(ProcFile.sorted(task, file, new FileSystemException("maps", null, "Operation not permitted")))
        .isInstanceOf(ProcDeniedException.class);
    assertThat(ProcFile.sorted(task, file, new IOException("Input/output error")))
        .isInstanceOf(ProcUnreadableException.class).hasMessageContaining("Input/output error");
  }
}
