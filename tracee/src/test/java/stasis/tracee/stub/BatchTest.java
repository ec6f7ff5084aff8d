package stasis.tracee.stub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static stasis.tracee.stub.Stubs.completed;
import static stasis.tracee.stub.Stubs.imm;
import static stasis.tracee.stub.Stubs.inStub;
import static stasis.tracee.stub.Stubs.soon;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.sys.Syscalls;
import stasis.tracee.Deadline;
import stasis.tracee.Stop;
import stasis.tracee.TracerThread;

final class BatchTest {
  private final TracerThread tracer = new TracerThread();

  @AfterEach
  void endTracer() {
    tracer.close();
  }

  private Outcome run(Batch batch) throws SyscallException {
    return inStub(tracer, (_, stub) -> stub.run(batch, soon()));
  }

  @Test
  void resultsOfEarlierCallsAndFieldsOfTheirOutputsAreArgumentsOfLaterOnes() throws SyscallException {
    var batch = new Batch();
    Slot pipe = batch.space(8);
    Slot text = batch.data(Bytes.cString("hello"));
    Slot back = batch.space(6);
    batch.call(Nr.PIPE2, pipe.address(), imm(0));
    int dup = batch.call(Nr.DUP, Operand.load32(pipe, 4));
    batch.call(Nr.WRITE, Expect.exactly(6), Operand.result(dup), text.address(), imm(6));
    batch.call(Nr.READ, Expect.exactly(6), Operand.loadSigned32(pipe, 0), back.address(), imm(6));
    Results results = completed(run(batch));
    assertThat(results.of(dup)).isEqualTo(2);
    assertThat(results.of(pipe)).isEqualTo(Bytes.ofU32(0, 1));
    assertThat(results.of(back).latin1()).isEqualTo("hello");
  }

  @Test
  void resultsAndPointersArePatchedIntoStructsBeforeTheCallThatReadsThem() throws SyscallException {
    var batch = new Batch();
    Slot text = batch.data(Bytes.cString("abc"));
    Slot iovec = batch.exchange(Bytes.zeros(32));
    batch.point(iovec, 0, text, 1);
    batch.point(iovec, 16, text, 0);
    Slot pipe = batch.space(8);
    batch.call(Nr.PIPE2, pipe.address(), imm(0));
    batch.patch(iovec, 8, imm(2), 8);
    int two = batch.call(Nr.DUP, Operand.load32(pipe, 0));
    batch.patch(iovec, 24, Operand.result(two), 4);
    batch.call(Nr.WRITEV, Expect.exactly(4), Operand.load32(pipe, 4), iovec.address(), imm(2));
    Slot back = batch.space(16);
    int read = batch.call(Nr.READ, Operand.load32(pipe, 0), back.address(), imm(16));
    Results results = completed(run(batch));
    assertThat(results.of(read)).isEqualTo(4);
    assertThat(results.of(back).latin1()).isEqualTo("bcab");
  }

  @Test
  void firstUnmetExpectationStopsTheBatchWhichCanThenBeTriedAgain() throws SyscallException {
    var batch = new Batch();
    int pid = batch.call(Nr.GETPID);
    int bad = batch.call(Nr.DUP, imm(0));
    int after = batch.call(Nr.GETPPID);
    inStub(tracer, (_, stub) -> {
      BatchRun run = stub.start(batch);
      assertThat(run.await(soon())).isInstanceOfSatisfying(Outcome.Stopped.class, stopped -> {
        assertThat(stopped.index()).isEqualTo(bad);
        assertThat(stopped.result()).isEqualTo(-Errno.EBADF.number());
        assertThat(stopped.results().of(pid)).isEqualTo(stub.tid().value());
        assertThatThrownBy(() -> stopped.results().of(after)).isInstanceOf(IllegalArgumentException.class);
      });
      var mend = new Batch();
      mend.call(Nr.EVENTFD2, imm(0), imm(0));
      completed(stub.run(mend, soon()));
      Results results = completed(run.again(soon()));
      assertThat(results.of(bad)).isEqualTo(1);
      assertThat(results.of(after)).isEqualTo(ProcessHandle.current().pid());
      return results;
    });
  }

  @Test
  void aShortReadIsNotWhatWasExpected() throws SyscallException {
    var batch = new Batch();
    Slot path = batch.data(Bytes.cString("/proc/self/comm"));
    Slot comm = batch.space(64);
    int fd = batch.call(Nr.OPENAT, imm(-100), path.address(), imm(0));
    int read = batch.call(Nr.READ, Expect.exactly(64), Operand.result(fd), comm.address(), imm(64));
    assertThat(run(batch)).isInstanceOfSatisfying(Outcome.Stopped.class, stopped -> {
      assertThat(stopped.index()).isEqualTo(read);
      assertThat(stopped.result()).isBetween(2L, 16L);
    });
  }

  @Test
  void aBatchLargerThanTheRegionRunsInPartsThatSeeEarlierResultsAndOutputs() throws SyscallException {
    var batch = new Batch();
    Slot pipe = batch.space(8);
    batch.call(Nr.PIPE2, pipe.address(), imm(0));
    int first = batch.call(Nr.GETPID);
    var words = new ArrayList<Slot>();
    for (int i = 0; i < 50; i++) {
      Slot word = batch.data(Bytes.zeros(1000).withU64(0, i));
      batch.patch(word, 8, Operand.result(first), 8);
      batch.call(Nr.WRITE, Expect.exactly(16), Operand.load32(pipe, 4), word.address(), imm(16));
      words.add(word);
    }
    Slot back = batch.space(800);
    batch.call(Nr.READ, Expect.exactly(800), Operand.load32(pipe, 0), back.address(), imm(800));
    Results results = inStub(tracer, (_, stub) -> {
      Region small = new Region(stub.region().code(), stub.region().area(), Region.AREA_BYTES_MIN);
      return completed(stub.start(batch, small).await(soon()));
    });
    Bytes written = results.of(back);
    for (int i = 0; i < 50; i++) {
      assertThat(written.u64(16 * i)).isEqualTo(i);
      assertThat(written.u64(16 * i + 8)).isEqualTo(results.of(first));
      assertThat(results.of(words.get(i)).u64(8)).isEqualTo(results.of(first));
    }
  }

  @Test
  void anEntryThatCannotFitTheRegionIsNamed() throws SyscallException {
    var batch = new Batch();
    Slot big = batch.space(10_000);
    batch.call(Nr.GETPID);
    batch.call(Nr.READ, imm(0), big.address(), imm(10_000));
    inStub(tracer, (_, stub) -> {
      Region small = new Region(stub.region().code(), stub.region().area(), Region.AREA_BYTES_MIN);
      BatchRun run = stub.start(batch, small);
      assertThatThrownBy(() -> run.await(soon())).isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("entry 1");
      return run;
    });
  }

  @Test
  void threadsAndProcessesBornInABatchWaitUntilTheyAreGivenTheirOwn() throws SyscallException {
    var batch = new Batch();
    int one = new CloneArgs(Stubs.THREAD, 0, List.of()).addTo(batch);
    int two = new CloneArgs(0, 17, List.of()).addTo(batch);
    int last = batch.call(Nr.EVENTFD2, imm(0), imm(0));
    inStub(tracer, (ptrace, stub) -> {
      Outcome.Completed outcome = (Outcome.Completed) stub.run(batch, soon());
      assertThat(outcome.results().of(last)).isZero();
      assertThat(outcome.born()).extracting(Newborn::entry).containsExactly(one, two);
      var children = new ArrayList<Stub>();
      for (Newborn newborn : outcome.born()) {
        assertThat(newborn.pid()).isEqualTo(newborn.tid().value());
        assertThat(ptrace.registers(newborn.tid()).rax()).isZero();
        children.add(stub.adopt(newborn));
      }
      var own = new Batch();
      int tid = own.call(Nr.GETTID);
      int pid = own.call(Nr.GETPID);
      List<Outcome> outcomes = BatchRun.awaitAll(List.of(children.get(0).start(own, stub.region().share(0, 2)),
          stub.start(own, stub.region().share(1, 2)), children.get(1).start(own)), soon());
      assertThat(completed(outcomes.get(0)).of(tid)).isEqualTo(children.get(0).tid().value());
      assertThat(completed(outcomes.get(0)).of(pid)).isEqualTo(stub.tid().value());
      assertThat(completed(outcomes.get(1)).of(tid)).isEqualTo(stub.tid().value());
      assertThat(completed(outcomes.get(2)).of(pid)).isEqualTo(children.get(1).tid().value());
      Stub.closeAll(List.of(stub, children.get(1), children.get(0)));
      return outcome;
    });
  }

  /// What PTRACE_GETEVENTMSG meets when somebody kills a parent that stands there because it has a child.
  @Test
  void aChildOfWhichNobodyHeardIsEnded() throws SyscallException {
    for (CloneArgs birth : List.of(new CloneArgs(Stubs.THREAD, 0, List.of()), new CloneArgs(0, 17, List.of()))) {
      var batch = new Batch();
      birth.addTo(batch);
      inStub(tracer, (_, stub) -> {
        Set<String> before = tracees();
        Outcome outcome = Syscalls.through((number, args) -> {
          if (asksForTheChild(number, args)) {
            Syscalls.kernel(Nr.KILL.on(Syscalls.HOST), stub.tid().value(), 9);
          }
          return Syscalls.kernel(number, args);
        }, () -> run(stub, batch));
        assertThat(outcome).isInstanceOf(Outcome.Died.class);
        assertThat(before).contains(stub.tid().toString());
        assertThat(tracees()).isSubsetOf(before);
        return outcome;
      });
    }
  }

  @Test
  void theNumberOfAChildIsAskedForAgain() throws SyscallException {
    var batch = new Batch();
    new CloneArgs(0, 17, List.of()).addTo(batch);
    inStub(tracer, (_, stub) -> {
      var asked = new AtomicInteger();
      Outcome outcome = Syscalls.through((number, args) -> asksForTheChild(number, args)
          && asked.getAndIncrement() == 0 ? -Errno.EIO.number() : Syscalls.kernel(number, args),
          () -> run(stub, batch));
      assertThat(asked).hasValue(2);
      assertThat(outcome).isInstanceOfSatisfying(Outcome.Completed.class, one -> assertThat(one.born()).hasSize(1));
      Stub.closeAll(List.of(stub, stub.adopt(((Outcome.Completed) outcome).born().getFirst())));
      return outcome;
    });
  }

  private static boolean asksForTheChild(long number, long[] args) {
    return number == Nr.PTRACE.on(Syscalls.HOST) && args[0] == 0x4201;
  }

  private static Outcome run(Stub stub, Batch batch) {
    try {
      return stub.run(batch, soon());
    } catch (SyscallException e) {
      throw new AssertionError(e);
    }
  }

  private static String status(Path task) {
    try {
      return Files.readString(task.resolve("status"));
    } catch (IOException e) {
      return "gone";
    }
  }

  /// All tasks that this thread traces.
  private static Set<String> tracees() {
    String line = "TracerPid:\t" + Syscalls.call(Nr.GETTID) + "\n";
    var tasks = new TreeSet<String>();
    try (var processes = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
      for (Path process : processes) {
        String[] threads = process.resolve("task").toFile().list();
        Stream.of(threads == null ? new String[0] : threads)
            .filter(thread -> status(process.resolve("task").resolve(thread)).contains(line)).forEach(tasks::add);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return tasks;
  }

  @Test
  void aChildLetGoRunsThePauseLoopAndNotItsParentsList() throws SyscallException {
    var batch = new Batch();
    Slot pipe = batch.space(8);
    Slot text = batch.data(Bytes.cString("x"));
    batch.call(Nr.PIPE2, pipe.address(), imm(0x800));
    new CloneArgs(0, 17, List.of()).addTo(batch);
    batch.call(Nr.WRITE, Operand.load32(pipe, 4), text.address(), imm(1));
    inStub(tracer, (ptrace, stub) -> {
      Outcome.Completed outcome = (Outcome.Completed) stub.run(batch, soon());
      Newborn child = outcome.born().getFirst();
      ptrace.cont(child.tid(), 0);
      Stubs.until(() -> Stubs.proc(child.tid(), "syscall").startsWith("34 "));
      var drain = new Batch();
      Slot back = drain.space(16);
      int read = drain.call(Nr.READ, imm(0), back.address(), imm(16));
      assertThat(completed(stub.run(drain, soon())).of(read)).isEqualTo(1);
      Syscalls.call(Nr.KILL, child.tid().value(), 9);
      assertThat(ptrace.await(child.tid(), soon()).orElseThrow().isFinal()).isTrue();
      return child;
    });
  }

  @Test
  void aFaultIsAnAnswerThatNamesItsEntry() throws SyscallException {
    var batch = new Batch();
    batch.call(Nr.GETPID);
    int copy = batch.copy(new RemoteAddress(0x1000), new RemoteAddress(0x2000), 8);
    assertThat(run(batch)).isInstanceOfSatisfying(Outcome.Faulted.class, faulted -> {
      assertThat(faulted.index()).isEqualTo(copy);
      assertThat(faulted.stop().signal()).isEqualTo(11);
    });
  }

  @Test
  void deathIsAnAnswerWhetherItComesBeforeOrInTheBatch() throws SyscallException {
    var batch = new Batch();
    batch.call(Nr.EXIT_GROUP, imm(7));
    assertThat(run(batch)).isInstanceOfSatisfying(Outcome.Died.class, died -> assertThat(died.last())
        .isInstanceOfSatisfying(Stop.Exited.class, exited -> assertThat(exited.code()).isEqualTo(7)));
    Outcome killed = inStub(tracer, (_, stub) -> {
      stub.kill();
      return stub.run(batch, soon());
    });
    assertThat(killed).isInstanceOfSatisfying(Outcome.Died.class,
        died -> assertThat(died.last()).isInstanceOf(Stop.Killed.class));
  }

  @Test
  void aCallThatSleepsPastTheDeadlineIsNamed() throws SyscallException {
    var batch = new Batch();
    batch.call(Nr.GETPID);
    int sleep = batch.call(Nr.PPOLL, imm(0), imm(0), imm(0), imm(0));
    Outcome outcome = inStub(tracer, (_, stub) -> stub.run(batch, Deadline.after(Duration.ofMillis(50))));
    assertThat(outcome).isInstanceOfSatisfying(Outcome.Late.class, late -> assertThat(late.index()).isEqualTo(sleep));
  }

  @Test
  void signalsDoNotDisturbABatch() throws SyscallException {
    var batch = new Batch();
    for (int i = 0; i < 50_000; i++) {
      batch.call(Nr.GETPID);
    }
    inStub(tracer, (_, stub) -> {
      BatchRun run = stub.start(batch);
      for (int signal : new int[] {1, 2, 15, 19, 20, 18, 5, 19}) {
        assertThat(Syscalls.call(Nr.KILL, stub.tid().value(), signal)).isZero();
      }
      Results results = completed(run.await(soon()));
      assertThat(results.of(49_999)).isEqualTo(stub.tid().value());
      return results;
    });
  }

  @Test
  void operandsOfOtherBatchesLaterCallsAndFieldsOutsideASlotAreRefused() {
    var batch = new Batch();
    Slot slot = batch.space(8);
    assertThatThrownBy(() -> Operand.load32(slot, 5)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> batch.call(Nr.CLOSE, Operand.result(0))).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Batch().call(Nr.CLOSE, slot.address())).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> batch.patch(slot, 0, Operand.load32(slot, 0), 8))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
