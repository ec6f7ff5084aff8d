package stasis.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;
import stasis.tracee.Deadline;
import stasis.tracee.TracerThread;

class AllOrNoneTest {
  private static final Duration BOUND = Duration.ofSeconds(10);

  /// As when it gets no CPU: it takes the signal when it runs again, and nobody would be there to let it go on.
  @Test
  void whoTakesOurSigstopLateIsWaitedFor() throws IOException, SyscallException {
    Path top = unified().orElse(Path.of("/none"));
    assumeTrue(Files.isWritable(top.resolve("cgroup.procs")), "missing: cgroup.freeze");
    Path cgroup = Files.createDirectory(top.resolve("stasis-test-late-" + ProcessHandle.current().pid()));
    var task = new Tid(sleeping());
    try (TracerThread tracer = new TracerThread()) {
      Files.writeString(cgroup.resolve("cgroup.procs"), task.toString());
      boolean came = tracer.<Boolean, SyscallException>call(ptrace -> {
        ptrace.seize(task, 0);
        ptrace.interrupt(task);
        assertThat(ptrace.await(task, Deadline.after(BOUND))).isPresent();
        AllOrNone.stop(task);
        freeze(cgroup, true);
        CompletableFuture<Void> thaw = CompletableFuture.runAsync(() -> freeze(cgroup, false),
            CompletableFuture.delayedExecutor(5, TimeUnit.SECONDS));
        boolean stands = AllOrNone.comesToStop(ptrace, task, true);
        thaw.join();
        ptrace.release(task);
        return stands;
      });
      assertThat(came).isTrue();
      assertThat(Files.readAllLines(Path.of("/proc/" + task + "/status")))
          .noneMatch(line -> line.matches("State:.*[Tt] .*"));
    } finally {
      Syscalls.call(Nr.KILL, task.value(), 9);
      Syscalls.call(Nr.WAIT4, task.value(), 0, 0x40000000L, 0);
      delete(cgroup);
    }
  }

  /// No [Process]: the JVM would wait for its stops too.
  private static int sleeping() {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment program = call.allocateFrom("/bin/sleep");
      MemorySegment arguments = call.allocate(ValueLayout.ADDRESS, 3);
      arguments.setAtIndex(ValueLayout.ADDRESS, 0, program);
      arguments.setAtIndex(ValueLayout.ADDRESS, 1, call.allocateFrom("1000"));
      return (int) Syscalls.spawn(program, arguments, call.allocate(ValueLayout.ADDRESS, 1));
    }
  }

  private static void freeze(Path cgroup, boolean frozen) {
    try {
      Files.writeString(cgroup.resolve("cgroup.freeze"), frozen ? "1" : "0");
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static Optional<Path> unified() throws IOException {
    try (var mounts = Files.lines(Path.of("/proc/self/mountinfo"))) {
      return mounts.filter(line -> line.contains(" - cgroup2 ")).map(line -> Path.of(line.split(" ")[4])).findFirst();
    }
  }

  /// Who has ended leaves its cgroup a moment later.
  private static void delete(Path cgroup) throws IOException {
    for (long end = System.nanoTime() + BOUND.toNanos(); ; LockSupport.parkNanos(10_000_000)) {
      try {
        Files.delete(cgroup);
        return;
      } catch (IOException e) {
        if (System.nanoTime() > end) {
          throw e;
        }
      }
    }
  }
}
