package stasis.tracee.stub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.sys.Syscalls;
import stasis.tracee.TracerThread;

final class PidNamespaceTest {
  @BeforeEach
  void possible() throws IOException {
    Nobody.assumePossible();
  }

  @Test
  void nobodyRestoresAtChosenPidsAndLearnsTheExitStatusOfTheRootAtOnceAndFromTheFirstProcess() throws Exception {
    String output = Nobody.output(Nobody.asNobody(NamespacedEngine.class));
    assertThat(output).contains("root pid 4711 parent 1 uid 65534", "child 4712 thread 4713", "clock ahead true",
        "pid 4712 is taken by a task that our /proc does not show", "root status 4 " + (42 << 8),
        "init reaped true status " + (42 << 8), "children left -10");
    if (output.contains("own proc true")) {
      assertThat(output).contains("proc 4711 ");
    }
  }

  @Test
  void whereProcIsPartlyCoveredTheOldOneStaysAndThatIsTold() throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/unshare")), "missing: unshare");
    List<String> engine = Nobody.becomingNobody(Nobody.java(NamespacedEngine.class));
    List<String> command = new ArrayList<>(List.of("/usr/bin/unshare", "-m", "--propagation", "private", "/bin/sh",
        "-c", "mount --bind /dev/null /proc/version && exec \"$@\"", "sh"));
    command.addAll(engine);
    String output = Nobody.output(new ProcessBuilder(command).redirectErrorStream(true).start());
    assertThat(output).contains("own proc false", "root pid 4711 parent 1", "init reaped true status " + (42 << 8));
  }

  @Test
  void anEngineStartedWithSigchldIgnoredStillLearnsHowTasksEnd() throws Exception {
    List<String> engine = Nobody.becomingNobody(Nobody.java(NamespacedEngine.class));
    String output = Nobody.output(Nobody.after("trap '' CHLD", engine));
    assertThat(output).contains("root status 4 " + (42 << 8), "init reaped true status " + (42 << 8));
  }

  @Test
  void aRootThatIsKilledIsToldAsAShellTellsIt() throws Exception {
    String output = Nobody.output(Nobody.asNobody(NamespacedEngine.class, "signalled"));
    assertThat(output).contains("root status 4 9\n", "init reaped true status " + (137 << 8), "children left -10");
  }

  @Test
  void rootNeedsNoUserNamespaceAndClosingLeavesNothing() throws SyscallException {
    var tracer = new TracerThread();
    int host = tracer.call(ptrace -> {
      try (PidNamespace namespace = PidNamespace.create(ptrace, Stubs.HOLE, Stubs.HOLE_BYTES, List.of(), List.of(),
          List.of(), Optional.empty()); Stub root = namespace.root(4711, Stubs.soon())) {
        assertThat(Stubs.proc(root.tid(), "status")).containsPattern("NSpid:\t[0-9]+\t4711\n");
        assertThat(Stubs.proc(namespace.init().tid(), "comm")).isEqualTo("stasis-init\n");
        return namespace.init().tid().value();
      } catch (PidTakenException e) {
        throw new AssertionError(e);
      }
    });
    tracer.close();
    assertThat(Path.of("/proc/" + host)).doesNotExist();
  }

  @Test
  void aReleasedNamespaceWhoseTasksAreStillOursEndsWithTheEngine() throws SyscallException {
    var tracer = new TracerThread();
    int init = tracer.call(ptrace -> {
      PidNamespace namespace = PidNamespace.create(ptrace, Stubs.HOLE, Stubs.HOLE_BYTES, List.of(), List.of(),
          List.of(), Optional.empty());
      try {
        namespace.root(4711, Stubs.soon());
      } catch (PidTakenException e) {
        throw new AssertionError(e);
      }
      namespace.release(4711, Optional.empty());
      return namespace.init().tid().value();
    });
    tracer.close();
    Stubs.until(() -> Syscalls.call(Nr.WAIT4, init, 0, 1, 0) == init);
  }
}
