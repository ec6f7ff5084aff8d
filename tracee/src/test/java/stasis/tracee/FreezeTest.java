package stasis.tracee;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;

final class FreezeTest {
  private static final int SIGSTOP = 19;
  private static final int SIGCONT = 18;

  @TempDir
  private Path folder;

  private final TracerThread tracer = new TracerThread();

  @AfterEach
  void end() {
    tracer.close();
  }

  private FrozenGroup.Outcome freeze(Tid leader, long millis) throws SyscallException {
    return tracer.call(ptrace -> FrozenGroup.freeze(ptrace, leader, Deadline.after(Duration.ofMillis(millis)),
        FaultPoints.NONE));
  }

  private List<FreezeObstacle> obstacles(Tid leader, long millis) throws SyscallException {
    FrozenGroup.Outcome outcome = freeze(leader, millis);
    assertThat(outcome).isInstanceOf(FrozenGroup.Outcome.Obstructed.class);
    return ((FrozenGroup.Outcome.Obstructed) outcome).obstacles();
  }

  private void close(FrozenGroup group) throws SyscallException {
    tracer.call(_ -> {
      group.close();
      return 0;
    });
  }

  private FrozenGroup frozen(Tid leader) throws SyscallException {
    return tracer.call(ptrace -> ErrandTest.frozen(ptrace, leader));
  }

  private Target program(String name, String... arguments) {
    Optional<Path> program = Programs.c(folder, name);
    assumeTrue(program.isPresent(), "no gcc");
    String[] command = new String[arguments.length + 1];
    command[0] = program.orElseThrow().toString();
    System.arraycopy(arguments, 0, command, 1, arguments.length);
    return Target.spawn(command);
  }

  @Test
  void allThreadsStopAndGoOnAfterwards() throws Exception {
    Path file = folder.resolve("report");
    try (var report = new Report(file); Target target = program("target", file.toString())) {
      target.until(report::allBegan);
      FrozenGroup group = frozen(target.leader());
      assertThat(group.tasks().stream().map(LiveTask::tid)).isEqualTo(target.threads()).hasSize(7);
      long rounds = report.rounds(Report.SPIN);
      Thread.sleep(30);
      assertThat(report.rounds(Report.SPIN)).isEqualTo(rounds);
      close(group);
      target.until(() -> report.rounds(Report.SPIN) > rounds + 2);
      assertThat(target.status("TracerPid")).isEqualTo("0");
    }
  }

  @Test
  void groupThatSigstopHadStoppedStaysStoppedUntilSigcont() throws Exception {
    Path file = folder.resolve("report");
    try (var report = new Report(file); Target target = program("target", file.toString())) {
      target.until(report::allBegan);
      target.signal(SIGSTOP);
      target.until(() -> target.statField(3).equals("T"));
      FrozenGroup group = frozen(target.leader());
      assertThat(group.tasks()).hasSize(7).allMatch(LiveTask::groupStopped);
      CallResult result = tracer.call(_ -> {
        try (Errand errand = group.errand(group.tasks().getFirst(), Deadline.after(Duration.ofSeconds(5)))) {
          return errand.run(List.of(RemoteCall.of(Nr.GETPID))).getFirst();
        }
      });
      assertThat(result).isEqualTo(new CallResult.Returned(target.leader().value(), List.of()));
      close(group);
      target.until(() -> target.threads().stream().allMatch(tid -> target.status(tid, "State").startsWith("T")));
      long rounds = report.rounds(Report.SPIN);
      target.signal(SIGCONT);
      target.until(() -> report.rounds(Report.SPIN) > rounds + 2 && report.rounds(Report.SLEEP) > 2);
      assertThat(report.complaints(true)).isEmpty();
    }
  }

  @Test
  void sigstopDuringAnErrandTakesEffectWhenTheGroupIsLetGo() throws Exception {
    try (Target target = Target.sleeping()) {
      CallResult result = tracer.call(ptrace -> {
        try (FrozenGroup group = ErrandTest.frozen(ptrace, target.leader());
            Errand errand = group.errand(group.tasks().getFirst(), Deadline.after(Duration.ofSeconds(5)))) {
          errand.run(List.of(RemoteCall.of(Nr.GETPID)));
          target.signal(SIGSTOP);
          return errand.run(List.of(RemoteCall.of(Nr.GETPID), RemoteCall.of(Nr.GETPPID))).getFirst();
        }
      });
      assertThat(result).isInstanceOf(CallResult.Returned.class);
      target.until(() -> target.statField(3).equals("T"));
      target.signal(SIGCONT);
      target.until(() -> target.statField(3).equals("S"));
    }
  }

  @Test
  void taskOfAnotherTracerIsAnObstacleThatNamesIt() throws Exception {
    try (Target target = Target.sleeping(); var other = new TracerThread()) {
      other.call(ptrace -> {
        ptrace.seize(target.leader(), 0);
        return 0;
      });
      assertThat(obstacles(target.leader(), 1000)).singleElement().satisfies(obstacle ->
          assertThat(obstacle.message()).contains("is traced by " + ProcessHandle.current().pid() + " (java)"));
    }
  }

  @Test
  void deadAndUnknownTasksAndPlainThreadsAreObstacles() throws Exception {
    Target gone = Target.sleeping();
    gone.close();
    assertThat(obstacles(gone.leader(), 1000)).containsExactly(new FreezeObstacle.Gone(gone.leader()));
    Path file = folder.resolve("report");
    try (var report = new Report(file); Target target = program("target", file.toString())) {
      target.until(report::allBegan);
      Tid thread = target.threads().get(3);
      assertThat(obstacles(thread, 1000)).containsExactly(new FreezeObstacle.NotTheLeader(thread, target.leader()));
    }
  }

  @Test
  void vforkParentIsAnObstacleInTimeAndIsLetGoOnceItStops() throws Exception {
    try (Target target = program("vforker")) {
      target.until(() -> target.statField(3).equals("D") || target.text("wchan").contains("vfork")
          || target.text("wchan").contains("kernel_clone"));
      long began = System.nanoTime();
      List<FreezeObstacle> obstacles = obstacles(target.leader(), 150);
      assertThat(System.nanoTime() - began).isBetween(100_000_000L, 3_000_000_000L);
      assertThat(obstacles).anySatisfy(obstacle -> {
        assertThat(obstacle).isInstanceOf(FreezeObstacle.WouldNotStop.class);
        assertThat(obstacle.message()).contains("state D").contains("uninterruptible");
      });
      // The child exits on SIGTERM; its parent then stops, because it was asked to, and must be let go at once.
      Syscalls.call(Nr.KILL, Integer.parseInt(target.text("task/" + target.leader() + "/children").strip()), 15);
      target.until(() -> target.status("TracerPid").equals("0") && target.statField(3).equals("S"));
    }
  }

  @Test
  void groupWhoseLeaderHasExitedIsFrozenWithoutIt() throws Exception {
    try (Target target = program("ghost")) {
      target.until(() -> target.statField(3).equals("Z"));
      FrozenGroup group = frozen(target.leader());
      assertThat(group.leaderIsDead()).isTrue();
      assertThat(group.tasks()).hasSize(1);
      CallResult result = tracer.call(_ -> {
        try (Errand errand = group.errand(group.tasks().getFirst(), Deadline.after(Duration.ofSeconds(5)))) {
          return errand.run(List.of(RemoteCall.of(Nr.GETTID))).getFirst();
        }
      });
      assertThat(result).isEqualTo(new CallResult.Returned(group.tasks().getFirst().tid().value(), List.of()));
      close(group);
    }
  }

  /// It shows no stop, and its end only when the others have ended.
  @Test
  void leaderThatExitsWhileItIsBeingStoppedIsLeftOut() throws Exception {
    Path sign = folder.resolve("sign");
    try (Target target = program("ghost", sign.toString())) {
      target.until(() -> target.threads().size() == 2);
      FrozenGroup group = tracer.call(ptrace -> {
        var seized = new java.util.concurrent.atomic.AtomicBoolean();
        FrozenGroup.Outcome outcome = FrozenGroup.freeze(ptrace, target.leader(), Deadline.after(Duration.ofSeconds(5)),
            point -> {
              if (point.equals("freeze.seized") && seized.compareAndSet(false, true)) {
                leaderExits(target, sign);
              }
            });
        assertThat(outcome).isInstanceOf(FrozenGroup.Outcome.Frozen.class);
        return ((FrozenGroup.Outcome.Frozen) outcome).group();
      });
      assertThat(group.leaderIsDead()).isTrue();
      assertThat(group.tasks()).hasSize(1);
      close(group);
      target.until(() -> target.threads().stream().allMatch(tid -> !target.text("task/" + tid + "/stat").contains(") t ")));
    }
  }

  private static void leaderExits(Target target, Path sign) {
    try {
      java.nio.file.Files.createFile(sign);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
    target.until(() -> target.statField(3).equals("Z"));
  }

  @Test
  void callsThatGiveUpWithEintrWhenStoppedGoOnInstead() throws Exception {
    try (Target target = program("waits", folder.resolve("waits.txt").toString())) {
      Path said = folder.resolve("waits.txt");
      target.until(() -> target.threads().size() == 12);
      Thread.sleep(100);
      for (int i = 0; i < 5; i++) {
        close(frozen(target.leader()));
        Thread.sleep(20);
      }
      target.until(() -> target.threads().size() == 1);
      assertThat(java.nio.file.Files.readAllLines(said)).hasSize(11).allSatisfy(line ->
          assertThat(line).endsWith(" ok"));
    }
  }

  @Test
  void handlerStillInterruptsWhatTheProgramWantsInterrupted() throws Exception {
    try (Target target = program("pauses", folder.resolve("pauses.txt").toString())) {
      Path said = folder.resolve("pauses.txt");
      target.until(() -> java.nio.file.Files.exists(said) && target.statField(3).equals("S"));
      tracer.call(ptrace -> {
        try (FrozenGroup group = ErrandTest.frozen(ptrace, target.leader());
            Errand errand = group.errand(group.tasks().getFirst(), Deadline.after(Duration.ofSeconds(5)))) {
          errand.run(List.of(RemoteCall.of(Nr.GETPID)));
          target.signal(10); // comes while the thread is away: pause(2) must end with EINTR all the same
        }
        return 0;
      });
      target.until(() -> target.statField(3).isEmpty() || target.statField(3).equals("Z"));
      assertThat(java.nio.file.Files.readString(said)).isEqualTo("begun\npause ended with EINTR after 1 signal\n");
    }
  }
}
