package stasis.tracee.stub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static stasis.tracee.stub.Stubs.imm;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;

final class KeeperTest {
  private static int number(String output, String name) {
    Matcher matcher = Pattern.compile(name + " ([0-9]+)\n").matcher(output);
    assertThat(matcher.find()).as(output).isTrue();
    return Integer.parseInt(matcher.group(1));
  }

  /// Gone, or a zombie that only its parent, the init of this machine, is slow to reap.
  private static void gone(int pid) {
    Stubs.until(() -> !alive(pid));
  }

  private static boolean alive(int pid) {
    try {
      return !Files.readString(Path.of("/proc/" + pid + "/stat")).contains(") Z ");
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  void aKeeperHasItsOwnSessionNoFilesOfOursAndEverySignalBlocked() throws Exception {
    try (Keeper keeper = Keeper.start()) {
      Path proc = Path.of("/proc/" + keeper.pid());
      assertThat(Files.readSymbolicLink(proc.resolve("cwd"))).isEqualTo(Path.of("/"));
      try (var files = Files.list(proc.resolve("fd"))) {
        assertThat(files.map(file -> readlink(file)).toList()).singleElement().asString().startsWith("socket:");
      }
      String status = Stubs.proc(keeper.pid(), "status");
      assertThat(status).contains("Name:\tstasis-keeper\n", "TracerPid:\t0\n", "NSsid:\t" + keeper.pid() + "\n",
          "SigBlk:\tfffffffffffbfeff\n");
      for (int signal : new int[] {1, 2, 15}) {
        assertThat(Syscalls.call(Nr.KILL, keeper.pid().value(), signal)).isZero();
      }
      var batch = new Batch();
      int pid = batch.call(Nr.GETPID);
      Slot name = batch.space(390);
      batch.call(Nr.UNAME, name.address());
      Results results = Stubs.completed(keeper.run(batch));
      assertThat(results.of(pid)).isEqualTo(keeper.pid().value());
      assertThat(results.of(name).latin1()).isEqualTo("Linux");
    }
  }

  @Test
  void whicheverWriteFailsNoKeeperIsLeft() {
    for (int nth = 0; nth < 8; nth++) {
      int[] left = {nth};
      Syscalls.Gate gate = (number, args) -> number == Nr.PWRITE64.on(Syscalls.HOST) && left[0]-- == 0
          ? -Errno.EIO.number() : Syscalls.kernel(number, args);
      Syscalls.through(gate, () -> {
        try (Keeper keeper = Keeper.start()) {
          keeper.undo(Nr.GETPID);
        } catch (SyscallException e) {
          assertThat(e.errno()).isEqualTo(Errno.EIO);
        }
        return true;
      });
      assertThat(ProcessHandle.current().children().map(child -> Stubs.proc(
          new Tid(Math.toIntExact(child.pid())), "comm").strip())).doesNotContain("stasis-keeper");
    }
  }

  private static String readlink(Path file) {
    try {
      return Files.readSymbolicLink(file).toString();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @Test
  void aBatchInAKeeperStopsAtItsFirstUnmetExpectation() throws SyscallException {
    try (Keeper keeper = Keeper.start()) {
      var batch = new Batch();
      batch.call(Nr.GETPID);
      int bad = batch.call(Nr.CLOSE, imm(77));
      batch.call(Nr.GETPID);
      assertThat(keeper.run(batch)).isInstanceOfSatisfying(Outcome.Stopped.class, stopped -> {
        assertThat(stopped.index()).isEqualTo(bad);
        assertThat(stopped.result()).isEqualTo(-Errno.EBADF.number());
      });
    }
  }

  @Test
  void whatAKeeperHoldsIsOurFileAndCanBeClosed() throws SyscallException {
    long eventfd = Syscalls.require("test", Nr.EVENTFD2, 0, 0x80800);
    try (Keeper keeper = Keeper.start(); Arena arena = Arena.ofConfined()) {
      KeeperFd held = keeper.hold(new Fd((int) eventfd));
      var batch = new Batch();
      Slot seven = batch.data(Bytes.ofU64(7));
      batch.call(Nr.WRITE, Expect.exactly(8), held.operand(), seven.address(), imm(8));
      Stubs.completed(keeper.run(batch));
      MemorySegment count = arena.allocate(8, 8);
      assertThat(Syscalls.call(Nr.READ, eventfd, count.address(), 8)).isEqualTo(8);
      assertThat(count.get(ValueLayout.JAVA_LONG, 0)).isEqualTo(7);
      keeper.letGo(held);
      assertThatThrownBy(() -> keeper.letGo(held)).isInstanceOf(SyscallException.class).hasMessageContaining("EBADF");
      assertThatThrownBy(() -> keeper.hold(new Fd(999))).isInstanceOf(SyscallException.class)
          .hasMessageContaining("EBADF");
      assertThat(keeper.hold(new Fd((int) eventfd))).isEqualTo(held);
    } finally {
      Syscalls.call(Nr.CLOSE, eventfd);
    }
  }

  /// The victim outlives nothing but what the keeper does to it.
  private static Process victim() throws IOException {
    return new ProcessBuilder("/bin/sleep", "100").start();
  }

  @Test
  void aKilledEnginesUndoIsRunAndTheKeeperIsGone() throws Exception {
    Process victim = victim();
    String output = Nobody.output(Nobody.asThisUser(KeptEngine.class, "kill", "victim", "" + victim.pid()));
    assertThat(output).contains("armed\n");
    gone((int) victim.pid());
    gone(number(output, "keeper"));
    assertThat(victim.waitFor()).isEqualTo(137);
  }

  @Test
  void nobodysKeeperDoesTheSame() throws Exception {
    Nobody.assumePossible();
    Process victim = Nobody.asNobody(List.of("/bin/sleep", "100"));
    Stubs.until(() -> Stubs.proc(new Tid((int) victim.pid()), "comm").equals("sleep\n"));
    String output = Nobody.output(Nobody.asNobody(KeptEngine.class, "kill", "victim", "" + victim.pid()));
    assertThat(output).contains("armed\n");
    assertThat(victim.waitFor()).isEqualTo(137);
    gone(number(output, "keeper"));
  }

  @Test
  void anEngineThatReturnsWithoutDisarmingIsUndoneToo() throws Exception {
    Process victim = victim();
    String output = Nobody.output(Nobody.asThisUser(KeptEngine.class, "return", "victim", "" + victim.pid()));
    assertThat(victim.waitFor()).isEqualTo(137);
    gone(number(output, "keeper"));
  }

  @Test
  void anEngineThatLeavesItsKeeperIsUndoneWhileItLives() throws Exception {
    Process victim = victim();
    Process engine = Nobody.asThisUser(KeptEngine.class, "leave", "victim", "" + victim.pid());
    String output = engine.inputReader().readLine() + "\n";
    assertThat(victim.waitFor()).isEqualTo(137);
    gone(number(output, "keeper"));
    assertThat(engine.isAlive()).isTrue();
    engine.destroyForcibly();
  }

  @Test
  void aDisarmedKeeperIsGoneAtOnceAndDidNothing() throws Exception {
    Process victim = victim();
    String output = Nobody.output(Nobody.asThisUser(KeptEngine.class, "disarm", "victim", "" + victim.pid()));
    assertThat(output).contains("keeper there false");
    assertThat(victim.waitFor(200, TimeUnit.MILLISECONDS)).isFalse();
    victim.destroyForcibly();
  }

  @Test
  void aSocketOptionSetOnAPulledFileIsTakenBackAfterTheEngineWasKilled() throws Exception {
    assumeTrue(Syscalls.call(Nr.GETEUID) == 0, "missing: CAP_SYS_PTRACE, to pull a file out of this process");
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment pair = arena.allocate(8, 4);
      Syscalls.require("test", Nr.SOCKETPAIR, 1, 1 | 0x80000, 0, pair.address());
      int socket = pair.get(ValueLayout.JAVA_INT, 0);
      String output = Nobody.output(Nobody.asThisUser(KeptEngine.class, "disarm", "peek",
          Long.toString(ProcessHandle.current().pid()), Integer.toString(socket)));
      assertThat(output).contains("armed\n");
      assertThat(peekOffset(socket)).as("without its undo the option stays").isEqualTo(5);
      output = Nobody.output(Nobody.asThisUser(KeptEngine.class, "kill", "peek",
          Long.toString(ProcessHandle.current().pid()), Integer.toString(socket)));
      gone(number(output, "keeper"));
      assertThat(peekOffset(socket)).isEqualTo(-1);
      Syscalls.call(Nr.CLOSE, socket);
      Syscalls.call(Nr.CLOSE, pair.get(ValueLayout.JAVA_INT, 4));
    }
  }

  private static int peekOffset(int socket) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(4, 4);
      MemorySegment length = arena.allocateFrom(ValueLayout.JAVA_INT, 4);
      assertThat(Syscalls.call(Nr.GETSOCKOPT, socket, 1, 42, value.address(), length.address())).isZero();
      return value.get(ValueLayout.JAVA_INT, 0);
    }
  }

  @Test
  void undosRunNewestFirstWithoutTheWithdrawnAndWhateverOneOfThemReturns(@TempDir Path directory) throws Exception {
    Path file = Files.createFile(directory.resolve("order"));
    String output = Nobody.output(Nobody.asThisUser(KeptEngine.class, "kill", "order", file.toString()));
    gone(number(output, "keeper"));
    assertThat(file).hasContent("321");
  }

  @Test
  void anEngineKilledInTheMiddleOfAChangeLeavesTheListAsItWasBeforeOrAfter(@TempDir Path directory) throws Exception {
    for (int round = 0; round < 5; round++) {
      Path file = Files.createFile(directory.resolve("churn" + round));
      Process engine = Nobody.asThisUser(KeptEngine.class, "return", "churn", file.toString());
      var lines = engine.inputReader();
      String output = lines.readLine() + "\n";
      assertThat(lines.readLine()).isEqualTo("armed");
      Thread.sleep(20 + 37 * round);
      engine.destroyForcibly();
      gone(number(output, "keeper"));
      assertThat(read(file)).isIn("A", "BA", "CBA", "CA");
    }
  }

  @Test
  void aKeeperToldToStayHoldsItsFilesUntilThatProcessEnds(@TempDir Path directory) throws Exception {
    Path file = Files.createFile(directory.resolve("order"));
    Process sleep = victim();
    String output = Nobody.output(Nobody.asThisUser(KeptEngine.class, "kill", "stay", file.toString(),
        Long.toString(sleep.pid())));
    int keeper = number(output, "keeper");
    Stubs.until(() -> read(file).equals("321"));
    assertThat(alive(keeper)).isTrue();
    try (var files = Files.list(Path.of("/proc/" + keeper + "/fd"))) {
      assertThat(files.map(KeeperTest::readlink)).contains(file.toString());
    }
    sleep.destroyForcibly();
    gone(keeper);
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @Test
  void undosComeAndGoWithoutEndAndAWithdrawnOneIsUnknown() throws SyscallException {
    try (Keeper keeper = Keeper.start()) {
      UndoId oldest = keeper.undo(Nr.GETPID);
      UndoId before = keeper.undo(Nr.GETPID);
      for (int i = 0; i < 20_000; i++) {
        UndoId next = keeper.undo(Nr.GETPID);
        keeper.withdraw(before);
        before = next;
      }
      keeper.withdraw(oldest);
      assertThatThrownBy(() -> keeper.withdraw(oldest)).isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void aKeeperThatWasKilledIsAnAnswer() throws SyscallException {
    try (Keeper keeper = Keeper.start()) {
      Syscalls.call(Nr.KILL, keeper.pid().value(), 9);
      Tid pid = keeper.pid();
      var batch = new Batch();
      batch.call(Nr.GETPID);
      assertThat(keeper.run(batch)).isInstanceOfSatisfying(Outcome.Died.class,
          died -> assertThat(died.last().task()).isEqualTo(pid));
    }
  }
}
