package stasis.linux.bpf;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;

/// A running `hidden_target.c` and the answers it wrote. Started without ProcessBuilder, whose reaper thread would eat
/// the ptrace stops; stop and resume on one thread.
final class HiddenTarget implements AutoCloseable {
  private static final long PTRACE_SEIZE = 0x4206;
  private static final long PTRACE_INTERRUPT = 0x4207;
  private static final long PTRACE_DETACH = 17;
  private static final long WALL = 0x40000000;
  private static final long PTRACE_GET_RSEQ_CONFIGURATION = 0x420f;
  private static final long SIGKILL = 9;
  private static final long SIGSTOP = 19;
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final Path answersFile;
  private final int parent;
  private Map<String, String> answers = Map.of();
  private final List<Tid> stopped = new ArrayList<>();

  private HiddenTarget(Path answersFile, int parent) {
    this.answersFile = answersFile;
    this.parent = parent;
  }

  /// @return the program, compiled into `folder`
  static Path compile(Path folder) throws IOException, InterruptedException {
    Path program = folder.resolve("hidden_target");
    Process gcc = new ProcessBuilder("gcc", "-std=gnu11", "-O1", "-pthread", "-o", program.toString(),
        "src/test/c/hidden_target.c").inheritIO().start();
    if (!gcc.waitFor(60, TimeUnit.SECONDS) || gcc.exitValue() != 0) {
      throw new IOException("gcc does not compile hidden_target.c");
    }
    return program;
  }

  static HiddenTarget start(Path program, Path answersFile) throws IOException, InterruptedException {
    return start(List.of(program.toString(), answersFile.toString()), answersFile);
  }

  /// One whose leader has exited while a thread of it runs on.
  static HiddenTarget startLeaderless(Path program, Path answersFile) throws IOException, InterruptedException {
    return start(List.of(program.toString(), answersFile.toString(), "leaderless"), answersFile);
  }

  private static HiddenTarget start(List<String> command, Path answersFile) throws IOException, InterruptedException {
    Files.writeString(answersFile, "");
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment path = arena.allocateFrom(command.getFirst());
      MemorySegment argv = arena.allocate(ADDRESS, command.size() + 1L);
      for (int i = 0; i < command.size(); i++) {
        argv.setAtIndex(ADDRESS, i, arena.allocateFrom(command.get(i)));
      }
      long pid = Syscalls.spawn(path, argv, arena.allocate(ADDRESS, 1));
      if (Errno.isError(pid)) {
        throw new IOException("cannot start " + command + ": " + Errno.of(pid));
      }
      var target = new HiddenTarget(answersFile, (int) pid);
      try {
        target.await("done");
        target.awaitCalls();
      } catch (IOException | InterruptedException e) {
        target.close();
        throw e;
      }
      return target;
    }
  }

  Tid tgid() {
    return new Tid(Integer.parseInt(answer("pid")));
  }

  boolean answered(String key) {
    return answers.containsKey(key);
  }

  String answer(String key) {
    String value = answers.get(key);
    if (value == null) {
      throw new AssertionError("the target did not answer " + key + " in " + answersFile);
    }
    return value;
  }

  /// An answer of numbers, decimal.
  long[] numbers(String key) {
    return Arrays.stream(answer(key).split(" ", 0)).mapToLong(Long::decode).toArray();
  }

  List<String> keysOf(String prefix) {
    return answers.keySet().stream().filter(key -> key.startsWith(prefix) && !answer(key).equals("gone"))
        .sorted().toList();
  }

  List<Tid> threads() {
    return keysOf("").stream().filter(key -> key.endsWith(".blocked"))
        .map(key -> new Tid(Integer.parseInt(key.substring(0, key.indexOf('.'))))).sorted().toList();
  }

  String proc(Tid tid, String file) throws IOException {
    return Files.readString(Path.of("/proc/" + tgid() + "/task/" + tid + "/" + file)).strip();
  }

  /// Stops every thread by ptrace(2), so that calls that can be restarted are left half-way.
  void stop() {
    for (Tid tid : threads()) {
      require("seize", Syscalls.call(Nr.PTRACE, PTRACE_SEIZE, tid.value(), 0, 0));
      stopped.add(tid);
    }
    for (Tid tid : threads()) {
      require("interrupt", Syscalls.call(Nr.PTRACE, PTRACE_INTERRUPT, tid.value(), 0, 0));
      require("wait", Syscalls.call(Nr.WAIT4, tid.value(), 0, WALL, 0));
    }
  }

  /// What ptrace(2) PTRACE_GET_RSEQ_CONFIGURATION says of a stopped thread.
  HiddenTask.Rseq rseq(Tid tid) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment configuration = arena.allocate(24, 8);
      require("ask for rseq",
          Syscalls.call(Nr.PTRACE, PTRACE_GET_RSEQ_CONFIGURATION, tid.value(), 24, configuration.address()));
      return new HiddenTask.Rseq(new RemoteAddress(configuration.get(JAVA_LONG, 0)), configuration.get(JAVA_INT, 8),
          configuration.get(JAVA_INT, 12));
    }
  }

  /// Its CLOCK_PROCESS_CPUTIME_ID, asked from outside (clock_getcpuclockid(3)).
  long cpuTimeNs() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment time = arena.allocate(16, 8);
      require("ask for CPU time", Syscalls.call(Nr.CLOCK_GETTIME, ~tgid().value() << 3 | 2, time.address()));
      return time.get(JAVA_LONG, 0) * 1_000_000_000L + time.get(JAVA_LONG, 8);
    }
  }

  /// Stops the group as SIGSTOP does, and waits until all of its threads have.
  void stopBySignal() throws IOException, InterruptedException {
    require("stop", Syscalls.call(Nr.KILL, tgid().value(), SIGSTOP));
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    for (Tid tid : threads()) {
      while (!proc(tid, "stat").contains(") T ")) {
        if (System.nanoTime() > deadline) {
          throw new IOException("thread " + tid + " does not stop");
        }
        Thread.sleep(5);
      }
    }
  }

  void resume() {
    for (Tid tid : stopped) {
      Syscalls.call(Nr.PTRACE, PTRACE_DETACH, tid.value(), 0, 0);
    }
    stopped.clear();
  }

  /// Kills the child; what its end did to its semaphores is among the answers then.
  void kill() throws IOException, InterruptedException {
    // Killed while traced, its threads would stay zombies until their tracer waits for each.
    resume();
    require("kill", Syscalls.call(Nr.KILL, tgid().value(), SIGKILL));
    await("gone");
  }

  private void await(String key) throws IOException, InterruptedException {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (System.nanoTime() < deadline) {
      var found = new HashMap<String, String>();
      for (String line : Files.readAllLines(answersFile)) {
        int space = line.indexOf(' ');
        found.put(space < 0 ? line : line.substring(0, space), space < 0 ? "" : line.substring(space + 1));
      }
      answers = Map.copyOf(found);
      if (answers.containsKey("failed")) {
        throw new IOException("the target failed: " + answers.get("failed"));
      }
      if (answers.containsKey(key)) {
        return;
      }
      Thread.sleep(5);
    }
    throw new IOException("the target does not get to '" + key + "'");
  }

  private void awaitCalls() throws IOException, InterruptedException {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    for (Tid tid : threads()) {
      while (!proc(tid, "syscall").startsWith(answer(tid + ".syscall") + " ")) {
        if (System.nanoTime() > deadline) {
          throw new IOException("thread " + tid + " is in " + proc(tid, "syscall"));
        }
        Thread.sleep(5);
      }
    }
  }

  private static void require(String what, long result) {
    if (Errno.isError(result)) {
      throw new AssertionError("cannot " + what + ": " + Errno.of(result));
    }
  }

  @Override
  public void close() {
    resume();
    if (answers.containsKey("pid") && !answers.containsKey("gone")) {
      Syscalls.call(Nr.KILL, tgid().value(), SIGKILL);
    }
    try (Arena arena = Arena.ofConfined()) {
      // The parent removes its semaphores and goes by itself once the child is gone.
      Syscalls.call(Nr.WAIT4, parent, arena.allocate(JAVA_INT).address(), 0, 0);
    }
  }
}
