package stasis.tracee;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SparseBytes;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;

final class ErrandTest {
  /// SIGCHLD.
  private static final long BLOCKED = 0x10000;

  private final TracerThread tracer = new TracerThread();
  private final Target target = Target.sleeping();

  @AfterEach
  void letGo() {
    tracer.close();
    target.close();
  }

  @FunctionalInterface
  interface OnErrand<T> {
    T run(Errand errand, Ptrace ptrace, FrozenGroup group) throws SyscallException, ErrandRefusedException;
  }

  static FrozenGroup frozen(Ptrace ptrace, Tid leader) throws SyscallException {
    return switch (FrozenGroup.freeze(ptrace, leader, Deadline.after(Duration.ofSeconds(10)), FaultPoints.NONE)) {
      case FrozenGroup.Outcome.Frozen(FrozenGroup group) -> group;
      case FrozenGroup.Outcome.Obstructed obstructed -> throw new AssertionError(obstructed.obstacles().stream()
          .map(FreezeObstacle::message).collect(Collectors.joining("; ")));
    };
  }

  private <T> T errand(OnErrand<T> work) throws Exception {
    return tracer.call(ptrace -> {
      try (FrozenGroup group = frozen(ptrace, target.leader());
          Errand errand = group.errand(group.tasks().getFirst(), Deadline.after(Duration.ofSeconds(5)))) {
        return work.run(errand, ptrace, group);
      }
    });
  }

  private int descriptors() {
    String[] names = Path.of("/proc/" + target.leader() + "/fd").toFile().list();
    return names == null ? -1 : names.length;
  }

  @Test
  void callsReturnTheirValuesErrorsAndOutputs() throws Exception {
    List<CallResult> results = errand((errand, _, _) -> errand.run(List.of(
        RemoteCall.of(Nr.GETPID),
        RemoteCall.of(Nr.CLOSE, new RemoteArg.Imm(4711)),
        RemoteCall.of(Nr.PRCTL, new RemoteArg.Imm(16), new RemoteArg.Out(16)),
        RemoteCall.of(Nr.GETCWD, new RemoteArg.InOut(Bytes.hex("ffffffffffffffff")), new RemoteArg.Imm(1)))));
    assertThat(results).hasSize(4);
    assertThat(results.get(0)).isEqualTo(new CallResult.Returned(target.leader().value(), List.of()));
    assertThat(results.get(1)).isEqualTo(new CallResult.Failed(Errno.EBADF));
    assertThat(results.get(2)).isEqualTo(
        new CallResult.Returned(0, List.of(Bytes.cString("sleep").concat(Bytes.zeros(10)))));
    assertThat(results.get(3)).isEqualTo(new CallResult.Failed(Errno.ERANGE));
  }

  @Test
  void errandLeavesRegistersMaskMapsAndDescriptorsAsTheyWere() throws Exception {
    String maps = target.text("maps");
    String blocked = target.status("SigBlk");
    int before = descriptors();
    tracer.call(ptrace -> {
      try (FrozenGroup group = frozen(ptrace, target.leader())) {
        Tid tid = target.leader();
        Registers registers = ptrace.registers(tid);
        SparseBytes xsave = ptrace.xsave(tid);
        try (Errand errand = group.errand(group.tasks().getFirst(), Deadline.after(Duration.ofSeconds(5)))) {
          errand.run(List.of(RemoteCall.of(Nr.GETPID), RemoteCall.of(Nr.GETTID)));
          errand.run(List.of(RemoteCall.opening(Nr.MEMFD_CREATE, new RemoteArg.In(Bytes.cString("x")),
              new RemoteArg.Imm(1))));
          errand.run(List.of(RemoteCall.of(Nr.GETPID), RemoteCall.opening(Nr.EVENTFD2, new RemoteArg.Imm(0),
              new RemoteArg.Imm(0))));
          assertThat(target.text("maps")).isNotEqualTo(maps);
          assertThat(descriptors()).isEqualTo(before + 2);
        }
        assertThat(ptrace.registers(tid)).isEqualTo(registers);
        assertThat(ptrace.xsave(tid)).isEqualTo(xsave);
      }
      return 0;
    });
    assertThat(target.text("maps")).isEqualTo(maps);
    assertThat(target.status("SigBlk")).isEqualTo(blocked);
    assertThat(target.status("TracerPid")).isEqualTo("0");
    assertThat(descriptors()).isEqualTo(before);
    target.until(() -> target.statField(3).equals("S"));
  }

  @Test
  void manyCallsRunInOneBatchAndABiggerBatchGetsABiggerScratch() throws Exception {
    List<CallResult> results = errand((errand, _, _) -> {
      errand.run(List.of(RemoteCall.of(Nr.GETPID)));
      return errand.run(java.util.stream.IntStream.range(0, 300).mapToObj(i -> RemoteCall.of(Nr.PRCTL,
          new RemoteArg.Imm(16), new RemoteArg.Out(1000 + i))).toList());
    });
    assertThat(results).hasSize(300).allMatch(result -> result instanceof CallResult.Returned(long value, var outputs)
        && value == 0 && outputs.getFirst().latin1().equals("sleep"));
  }

  @Test
  void callThatOutlastsTheDeadlineFailsWithEintr() throws Exception {
    CallResult result = tracer.call(ptrace -> {
      try (FrozenGroup group = frozen(ptrace, target.leader());
          Errand errand = group.errand(group.tasks().getFirst(), Deadline.after(Duration.ofMillis(200)))) {
        return errand.run(List.of(RemoteCall.of(Nr.PPOLL, new RemoteArg.Imm(0), new RemoteArg.Imm(0),
            new RemoteArg.Imm(0), new RemoteArg.Imm(0)), RemoteCall.of(Nr.GETPID))).getFirst();
      }
    });
    assertThat(result).isEqualTo(new CallResult.Failed(Errno.EINTR));
    target.until(() -> target.statField(3).equals("S"));
  }

  @Test
  void taskKilledDuringAnErrandIsAnAnswer() throws Exception {
    List<CallResult> results = errand((errand, _, _) -> {
      errand.run(List.of(RemoteCall.of(Nr.GETPID)));
      target.signal(9);
      return errand.run(List.of(RemoteCall.of(Nr.GETPID), RemoteCall.of(Nr.GETTID)));
    });
    assertThat(results).hasSize(2).allMatch(result -> result instanceof CallResult.Died);
  }

  @Test
  void callsThatWouldSpoilTheWayBackAreRefused() {
    assertThatThrownBy(() -> RemoteCall.of(Nr.NANOSLEEP)).isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("restart block");
    assertThatThrownBy(() -> RemoteCall.of(Nr.EXECVE)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void snapshotKeepsTheMemoryOfTheMomentAndIsInvisible() throws Exception {
    tracer.call(ptrace -> {
      Snapshot snapshot;
      RemoteMemory memory = new RemoteMemory(target.leader());
      stasis.linux.abi.RemoteAddress place;
      String maps = target.text("maps");
      try (FrozenGroup group = frozen(ptrace, target.leader())) {
        place = group.tasks().getFirst().registers().rsp().plus(-4096);
        memory.write(place, Bytes.hex("11"));
        snapshot = ((Snapshot.Outcome.Taken) Snapshot.take(group, group.tasks().getFirst(),
            Snapshot.Custody.GIVEN_AWAY, Deadline.after(Duration.ofSeconds(5)))).snapshot();
      }
      memory.write(place, Bytes.hex("22"));
      assertThat(snapshot.memory().read(place, 1)).isEqualTo(Bytes.hex("11"));
      assertThat(target.text("task/" + target.leader() + "/children")).isEmpty();
      assertThat(target.text("maps")).isEqualTo(maps);
      assertThat(Path.of("/proc/" + snapshot.child() + "/fd").toFile().list()).isEmpty();
      assertThat(target.status(target.leader(), "ShdPnd")).isEqualTo("0000000000000000");
      snapshot.close();
      assertThat(Path.of("/proc/" + snapshot.child() + "/mem")).satisfies(path ->
          target.until(() -> !Files.exists(path)));
      return 0;
    });
    target.until(() -> target.statField(3).equals("S"));
  }

  @Test
  void aSnapshotThatStaysAChildIsBuriedByItsParentInTheFreezeOrLater() throws Exception {
    tracer.call(ptrace -> {
      String maps = target.text("maps");
      Snapshot inFreeze;
      Snapshot later;
      try (FrozenGroup group = frozen(ptrace, target.leader())) {
        inFreeze = kept(group);
        assertThat(inFreeze.close(java.util.Set.of())).isEmpty();
        assertThat(target.text("task/" + target.leader() + "/children")).isEmpty();
        later = kept(group);
      }
      assertThat(target.text("task/" + target.leader() + "/children").strip()).isEqualTo(later.child().toString());
      assertThat(later.isWhole()).isTrue();
      assertThat(later.close(java.util.Set.of())).isEmpty();
      assertThat(target.text("task/" + target.leader() + "/children")).isEmpty();
      assertThat(target.text("maps")).isEqualTo(maps);
      assertThat(target.status(target.leader(), "ShdPnd")).isEqualTo("0000000000000000");
      return 0;
    });
    target.until(() -> target.statField(3).equals("S"));
  }

  private static Snapshot kept(FrozenGroup group) throws Exception {
    return ((Snapshot.Outcome.Taken) Snapshot.take(group, group.tasks().getFirst(), Snapshot.Custody.KEPT,
        Deadline.after(Duration.ofSeconds(5)))).snapshot();
  }

  private static Target python(String... lines) {
    assumeTrue(Files.exists(Path.of("/usr/bin/python3")), "no python3");
    return Target.spawn("/usr/bin/python3", "-c", String.join("\n", lines));
  }

  /// The kernel tells a program of children that it has had before it was executed, whatever their exit signal.
  @Test
  void aProgramExecutedMeanwhileIsNotToldOfTheCopyOfTheOneBefore(@TempDir Path folder) throws Exception {
    Path sign = folder.resolve("sign");
    try (Target program = python("import os, signal, time", "signal.pthread_sigmask(signal.SIG_BLOCK, [17])",
        "while not os.path.exists('" + sign + "'): time.sleep(0.005)", "os.execv('/bin/sleep', ['sleep', '1000'])")) {
      program.until(() -> (Long.parseUnsignedLong(program.status("SigBlk"), 16) & BLOCKED) != 0);
      tracer.call(ptrace -> {
        Snapshot copy;
        try (FrozenGroup group = frozen(ptrace, program.leader())) {
          copy = kept(group);
        }
        Files.createFile(sign);
        program.until(() -> program.text("comm").strip().equals("sleep"));
        assertThat(copy.close(java.util.Set.of())).isEmpty();
        assertThat(program.text("task/" + program.leader() + "/children")).isEmpty();
        assertThat(program.status("ShdPnd")).isEqualTo("0000000000000000");
        return 0;
      });
    }
  }

  @Test
  void whoAdoptsTheCopyOfATaskThatEndedBuriesItAndIsNotToldOfIt(@TempDir Path folder) throws Exception {
    Path sign = folder.resolve("sign");
    Path done = folder.resolve("done");
    try (Target program = python("import ctypes, os, signal, time", "ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)",
        "signal.pthread_sigmask(signal.SIG_BLOCK, [17])", "child = os.fork()", "if child == 0:",
        " while not os.path.exists('" + sign + "'): time.sleep(0.005)", " os._exit(0)", "signal.sigwaitinfo([17])",
        "os.waitpid(child, 0)", "open('" + done + "', 'w').close()", "time.sleep(1000)")) {
      program.until(() -> !program.text("task/" + program.leader() + "/children").isEmpty());
      Tid child = TaskStatus.children(program.leader()).getFirst();
      tracer.call(ptrace -> {
        Snapshot copy;
        try (FrozenGroup group = frozen(ptrace, child)) {
          copy = kept(group);
        }
        Files.createFile(sign);
        program.until(() -> Files.exists(done));
        assertThat(TaskStatus.children(program.leader())).containsExactly(copy.child());
        assertThat(copy.close(java.util.Set.of(program.leader()))).isEmpty();
        assertThat(TaskStatus.children(program.leader())).isEmpty();
        assertThat(program.status("ShdPnd")).isEqualTo("0000000000000000");
        return 0;
      });
    }
  }

  @Test
  void aCopyThatCannotBeBuriedIsTold() throws Exception {
    try (var other = new TracerThread()) {
      tracer.call(ptrace -> {
        Snapshot copy;
        try (FrozenGroup group = frozen(ptrace, target.leader())) {
          copy = kept(group);
        }
        other.<Integer, SyscallException>call(another -> {
          another.seize(target.leader(), 0);
          return 0;
        });
        assertThat(copy.close(java.util.Set.of())).hasValueSatisfying(told -> assertThat(told).contains(
            "task " + target.leader() + " has a child " + copy.child(), "could not be buried"));
        return 0;
      });
    }
  }

  /// Who asks the kernel for memory in its stead must get it before this one is no candidate any more.
  @Test
  void aSnapshotThatSomebodyEndsHasItsPagesFreedBeforeItIsGone() throws Exception {
    tracer.call(ptrace -> {
      Snapshot snapshot;
      try (FrozenGroup group = frozen(ptrace, target.leader())) {
        snapshot = ((Snapshot.Outcome.Taken) Snapshot.take(group, group.tasks().getFirst(),
            Snapshot.Custody.GIVEN_AWAY, Deadline.after(Duration.ofSeconds(5)))).snapshot();
      }
      assertThat(snapshot.freedIfEnded()).isFalse();
      assertThat(snapshot.isWhole()).isTrue();
      assertThat(privatePages(snapshot.child())).isPositive();
      stasis.linux.sys.Syscalls.call(Nr.KILL, snapshot.child().value(), 9);
      target.until(snapshot::freedIfEnded);
      assertThat(snapshot.isWhole()).isFalse();
      assertThat(privatePages(snapshot.child())).isZero();
      assertThat(snapshot.freedIfEnded()).as("again").isTrue();
      snapshot.close();
      assertThat(Path.of("/proc/" + snapshot.child() + "/mem")).satisfies(path ->
          target.until(() -> !Files.exists(path)));
      return 0;
    });
    target.until(() -> target.statField(3).equals("S"));
  }

  private static long privatePages(Tid task) throws java.io.IOException {
    String[] words = Files.readString(Path.of("/proc/" + task + "/statm")).split(" ");
    return Long.parseLong(words[1]) - Long.parseLong(words[2]);
  }
}
