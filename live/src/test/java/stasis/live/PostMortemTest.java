package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import stasis.engine.CheckpointOutcome;
import stasis.engine.CheckpointRequest;
import stasis.engine.Checkpointer;
import stasis.engine.CoreFile;
import stasis.engine.ImageMemory;
import stasis.engine.LiveEnvironment;
import stasis.image.Limits;
import stasis.image.ObjectId;
import stasis.image.Statefile;
import stasis.kinds.Kinds;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.Tid;
import stasis.repository.ImageReader;
import stasis.resource.TaskState;
import stasis.resource.VmaState;
import stasis.testkit.Launcher;
import stasis.testkit.Victim;
import stasis.tracee.RemoteMemory;

/// What an image says of a program beside what the program itself shows.
@Timeout(120)
final class PostMortemTest {
  private static final Duration BOUND = Duration.ofSeconds(60);
  private static final Path GDB = Path.of("/usr/bin/gdb");
  private static final Pattern FRAME = Pattern.compile("^#\\d+ +(?:0x[0-9a-f]+ in )?(\\S+).*");

  private static void checkpoint(Victim victim, Path image) throws IOException {
    assertThat(new Checkpointer(Kinds.all(), LiveEnvironment.of("test")).checkpoint(
        new CheckpointRequest(victim.pid(), image, true, false, false, Optional.empty()), _ -> { }))
        .isInstanceOf(CheckpointOutcome.Stored.class);
  }

  private static String gdb(String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of(GDB.toString(), "-q", "-nx", "-batch", "-ex",
        "thread apply all bt"));
    command.addAll(List.of(arguments));
    Process gdb = new ProcessBuilder(command).redirectErrorStream(true).start();
    gdb.getOutputStream().close();
    var out = new ByteArrayOutputStream();
    gdb.getInputStream().transferTo(out);
    gdb.waitFor();
    return out.toString(StandardCharsets.UTF_8);
  }

  /// Threads and the functions of their frames.
  private static List<String> frames(String backtrace) {
    List<String> frames = new ArrayList<>();
    for (String line : backtrace.lines().toList()) {
      Matcher thread = Pattern.compile("^Thread \\d+ .*LWP (\\d+)\\).*").matcher(line);
      Matcher frame = FRAME.matcher(line);
      if (thread.matches()) {
        frames.add("task " + thread.group(1));
      } else if (frame.matches() && frames.stream().anyMatch(f -> f.startsWith("task"))) {
        frames.add(frame.group(1));
      }
    }
    return frames;
  }

  @Test
  void gdbSeesInTheCoreWhatItSeesInTheProgram(@TempDir Path folder) throws Exception {
    Assumptions.assumeTrue(Files.isExecutable(GDB), "gdb is not installed");
    Victims victims = new Victims();
    try (Launcher launcher = victims.launcher(folder)) {
      Victim victim = launcher.start(victims.general("threads"));
      victim.awaitReady("all-wait", BOUND);
      List<String> live = frames(gdb("-p", victim.pid().toString()));
      Path core = folder.resolve("core");
      checkpoint(victim, folder.resolve("image"));
      try (ImageReader reader = ImageReader.open(folder.resolve("image")); ImageMemory memory = ImageMemory.open(reader,
          Statefile.decode(reader.metadata(), reader.pageBytes(), Limits.DEFAULT));
          FileChannel out = FileChannel.open(core, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        new CoreFile(memory, memory.tasks().firstKey()).write(out);
      }
      Path executable = Files.readSymbolicLink(Path.of("/proc/" + victim.pid() + "/exe"));
      List<String> dead = frames(gdb(executable.toString(), "-c", core.toString()));

      assertThat(live.stream().filter(line -> line.startsWith("task"))).hasSize(25);
      assertThat(dead).isEqualTo(live);
      victim.go("all-wait");
      assertThat(victim.verdict(BOUND)).isEqualTo(new Victim.Verdict.Passed());
    }
  }

  /// Of a tree whose tasks share pages: those of a child are found through its parent.
  @Test
  void theImageShowsEveryPageThatTheTasksSee(@TempDir Path folder) throws Exception {
    Victims victims = new Victims();
    try (Launcher launcher = victims.launcher(folder)) {
      Victim victim = launcher.start(victims.general("tree_copies"));
      victim.awaitReady("copies", BOUND);
      checkpoint(victim, folder.resolve("image"));
      long compared = 0;
      try (ImageReader reader = ImageReader.open(folder.resolve("image")); ImageMemory memory = ImageMemory.open(reader,
          Statefile.decode(reader.metadata(), reader.pageBytes(), Limits.DEFAULT))) {
        for (Map.Entry<ObjectId, TaskState> task : memory.tasks().entrySet()) {
          compared += compare(memory, task.getValue());
        }
      }
      assertThat(compared).isGreaterThan(1 << 20);
    }
  }

  /// Memory that a waiting task does not change: its stack may, and the kernel what is beside it (rseq).
  private static long compare(ImageMemory memory, TaskState task) throws Exception {
    RemoteMemory live = new RemoteMemory(new Tid(task.pids().getFirst()));
    long compared = 0;
    for (VmaState vma : memory.vmas(task.mm())) {
      if ((vma.prot() & VmaState.PROT_READ) == 0 || vma.lengthBytes() < 1 << 20) {
        continue;
      }
      for (ImageMemory.Stretch stretch : memory.stretches(task.mm(), vma)) {
        byte[] now = new byte[(int) Math.min(stretch.lengthBytes(), 64 << 20)];
        byte[] then = new byte[now.length];
        if (memory.read(stretch, stretch.start(), MemorySegment.ofArray(then)).isEmpty()) {
          try (var arena = java.lang.foreign.Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(now.length);
            live.read(new RemoteAddress(stretch.start()), bytes);
            MemorySegment.copy(bytes, 0, MemorySegment.ofArray(now), 0, now.length);
          }
          assertThat(java.util.Arrays.mismatch(now, then)).as("%s of task %s", stretch, task.pids()).isEqualTo(-1);
          compared += now.length;
        }
      }
    }
    return compared;
  }
}
