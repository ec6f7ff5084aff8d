package stasis.tracee.stub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static stasis.tracee.stub.Stubs.inStub;
import static stasis.tracee.stub.Stubs.soon;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;
import stasis.tracee.Deadline;
import stasis.tracee.Stop;
import stasis.tracee.TracerThread;

final class BirthTest {
  private final TracerThread tracer = new TracerThread();

  @BeforeEach
  void needRoot() {
    assumeTrue(Syscalls.call(Nr.GETEUID) == 0, "missing: CAP_CHECKPOINT_RESTORE in the initial pid namespace");
  }

  @AfterEach
  void endTracer() {
    tracer.close();
  }

  /// A number below pid_max that nobody has.
  private static int freePid() {
    int pid = 31_000;
    while (Files.exists(Path.of("/proc/" + pid))) {
      pid--;
    }
    return pid;
  }

  @Test
  void aSiblingHasThePidWantedAndIsAChildOfTheEngineWithSigchldAsItsExitSignal() throws SyscallException {
    int pid = freePid();
    inStub(tracer, (ptrace, stub) -> {
      Stub root = sibling(stub, pid);
      assertThat(root.tid().value()).isEqualTo(pid);
      String[] stat = Stubs.proc(root.tid(), "stat").split(" ");
      assertThat(stat[3]).isEqualTo(Long.toString(ProcessHandle.current().pid()));
      assertThat(stat[37]).as("exit_signal").isEqualTo("17");
      stub.close();
      var batch = new Batch();
      batch.call(Nr.EXIT_GROUP, Operand.imm(3));
      assertThat(root.run(batch, soon())).isInstanceOfSatisfying(Outcome.Died.class,
          died -> assertThat(died.last()).isEqualTo(new Stop.Exited(root.tid(), 3)));
      assertThat(Path.of("/proc/" + pid)).doesNotExist();
      return root;
    });
  }

  private static Stub sibling(Stub stub, int pid) throws SyscallException {
    try {
      return Birth.sibling(stub, List.of(pid), soon());
    } catch (PidTakenException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void aReleasedSiblingIsReapedByAnOrdinaryWaitOfTheEngine() throws SyscallException {
    int pid = freePid();
    inStub(tracer, (_, stub) -> {
      Stub root = sibling(stub, pid);
      stub.close();
      root.enter(StubCode.WAIT, 0, 0, 0);
      root.release();
      assertThat(Syscalls.call(Nr.KILL, pid, 9)).isZero();
      assertThat(Syscalls.call(Nr.WAIT4, pid, 0, 0, 0)).as("without __WALL").isEqualTo(pid);
      return root;
    });
  }

  @Test
  void aTakenPidNamesItsHolder() throws SyscallException {
    PidTakenException taken = inStub(tracer, (_, stub) -> catchThrowableOfType(PidTakenException.class,
        () -> Birth.sibling(stub, List.of((int) ProcessHandle.current().pid()), soon())));
    assertThat(taken).hasMessageContaining("pid " + ProcessHandle.current().pid() + " is taken by")
        .hasMessageContaining("(java, ");
    assertThat(taken.holder().orElseThrow().use()).isEqualTo(PidHolder.Use.TASK);
  }

  @Test
  void ofManyPidsAllThatAreTakenAreNamedAtOnce() {
    int self = (int) ProcessHandle.current().pid();
    int init = 1;
    assertThat(PidHolder.awaitAll(List.of(freePid(), self, init), soon())).extracting(PidHolder::pid)
        .containsExactly(self, init);
  }

  @Test
  void aPidThatAnUnreapedZombieHasIsWaitedForUntilThePatienceEnds() throws SyscallException {
    inStub(tracer, (ptrace, stub) -> {
      int pid = freePid();
      Stub zombie = sibling(stub, pid);
      zombie.enter(StubCode.WAIT, 0, 0, 0);
      zombie.release();
      Syscalls.call(Nr.KILL, pid, 9);
      PidTakenException taken = catchThrowableOfType(PidTakenException.class,
          () -> Birth.sibling(stub, List.of(pid), Deadline.after(Duration.ofMillis(500))));
      assertThat(taken).hasMessageContaining(", Z); it is ending, but its parent has not reaped it");
      Thread reaper = Thread.ofPlatform().start(() -> {
        java.util.concurrent.locks.LockSupport.parkNanos(100_000_000);
        Syscalls.call(Nr.WAIT4, pid, 0, 0, 0);
      });
      long before = System.nanoTime();
      Stub heir = sibling(stub, pid);
      assertThat(System.nanoTime() - before).isGreaterThan(50_000_000L);
      assertThat(heir.tid().value()).isEqualTo(pid);
      heir.close();
      assertThat(reaper.isAlive()).isFalse();
      return heir;
    });
  }

  @Test
  void aNumberThatOnlyAProcessGroupHasNamesAMember() throws SyscallException {
    inStub(tracer, (_, stub) -> {
      int pid = freePid();
      Stub leader = sibling(stub, pid);
      assertThat(leader.call(Nr.SETPGID, 0, 0)).isZero();
      Stub member = sibling(leader, pid - 1);
      leader.close();
      assertThat(Path.of("/proc/" + pid)).doesNotExist();
      PidTakenException taken = catchThrowableOfType(PidTakenException.class,
          () -> Birth.sibling(stub, List.of(pid), soon()));
      member.close();
      assertThat(taken).hasMessageContaining("process group of " + (pid - 1) + " (stasis-stub");
      return taken;
    });
  }

  @Test
  void aHolderThatWasKilledAndHasNotRunSinceIsLeaving() {
    String rest = " 1 70 60 0 -1 4194304" + " 0".repeat(21);
    assertThat(PidHolder.parse(77, "77 (a) R" + rest + " 256 0").map(PidHolder::leaving)).contains(true);
    assertThat(PidHolder.parse(77, "77 (a) R" + rest + " 16384 0").map(PidHolder::leaving)).contains(false);
  }

  @Test
  void holdersAreReadFromStatWhateverTheirNameHolds() {
    String stat = "77 (a) b (c) Z 1 70 60 0 -1 4227084 0 0";
    assertThat(PidHolder.parse(77, stat)).hasValue(
        new PidHolder(77, 77, "a) b (c", 'Z', PidHolder.Use.TASK, true));
    assertThat(PidHolder.parse(70, stat)).hasValueSatisfying(
        holder -> assertThat(holder.use()).isEqualTo(PidHolder.Use.PROCESS_GROUP));
    assertThat(PidHolder.parse(60, stat)).hasValueSatisfying(
        holder -> assertThat(holder.describe()).isEqualTo("session of 77 (a) b (c, Z)"));
    assertThat(PidHolder.parse(1, stat)).isEmpty();
    assertThat(PidHolder.parse(77, "")).isEmpty();
  }

  private static IntStream range(int first) {
    return IntStream.range(first, first + 1000);
  }

  @Test
  void aThousandThreadsAreBornInOneBatchWithTheTidsWanted() throws SyscallException {
    int first = 32_000 - 1000;
    while (range(first).anyMatch(pid -> Files.exists(Path.of("/proc/" + pid)))) {
      first -= 100;
      assumeTrue(first > 1000, "missing: a thousand free pids in a row");
    }
    var batch = new Batch();
    range(first).forEach(pid -> new CloneArgs(Stubs.THREAD, 0, List.of(pid)).addTo(batch));
    List<Tid> wanted = range(first).mapToObj(Tid::new).toList();
    inStub(tracer, (_, stub) -> {
      Outcome.Completed outcome = (Outcome.Completed) stub.run(batch, soon());
      assertThat(outcome.born()).extracting(Newborn::tid)
          .containsExactlyElementsOf(wanted);
      var all = new java.util.ArrayList<Stub>();
      all.add(stub);
      for (Newborn newborn : outcome.born()) {
        all.add(stub.adopt(newborn));
      }
      Stub.closeAll(all);
      return all;
    });
  }
}
