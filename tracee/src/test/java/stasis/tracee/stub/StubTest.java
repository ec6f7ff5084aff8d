package stasis.tracee.stub;

import static org.assertj.core.api.Assertions.assertThat;
import static stasis.tracee.stub.Stubs.HOLE;
import static stasis.tracee.stub.Stubs.HOLE_BYTES;
import static stasis.tracee.stub.Stubs.inStub;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;
import stasis.tracee.TracerThread;

final class StubTest {
  private static final int PR_SET_PDEATHSIG = 1;

  private final TracerThread tracer = new TracerThread();

  @AfterEach
  void endTracer() {
    tracer.close();
  }

  @Test
  void aStubHasOnlyTheFilesItIsToInheritAtTheirNumbers() throws SyscallException {
    long eventfd = Syscalls.require("test", Nr.EVENTFD2, 5, 0x80000);
    try {
      List<String> open = tracer.call(ptrace -> {
        try (Stub stub = Stub.spawn(ptrace, HOLE, HOLE_BYTES, List.of(new Fd((int) eventfd)));
            var files = Files.list(Path.of("/proc/" + stub.tid() + "/fd"))) {
          return files.map(file -> file.getFileName().toString()).toList();
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      });
      assertThat(open).containsExactly(Long.toString(eventfd));
      assertThat(Syscalls.call(Nr.FCNTL, eventfd, 1, 0)).as("close-on-exec here").isEqualTo(1);
    } finally {
      Syscalls.call(Nr.CLOSE, eventfd);
    }
  }

  @Test
  void theRegionIsUnmappedThroughTheVdsoAtLast() throws SyscallException {
    inStub(tracer, (_, stub) -> {
      RemoteAddress gadget = vdsoSyscall(stub);
      assertThat(Stubs.proc(stub.tid(), "maps")).contains("2000001000-");
      assertThat(stub.callAt(gadget, Nr.MUNMAP, HOLE.bits(), HOLE_BYTES)).isZero();
      assertThat(Stubs.proc(stub.tid(), "maps")).doesNotContain("2000000000-").doesNotContain("2000001000-");
      assertThat(stub.callAt(gadget, Nr.GETPID)).isEqualTo(stub.tid().value());
      return stub;
    });
  }

  @Test
  void aCallBySyscallStopsLeavesAnIgnoredSigtrapIgnored() throws SyscallException {
    inStub(tracer, (_, stub) -> {
      RemoteAddress action = stub.region().area();
      stub.memory().write(action, Bytes.ofU64(1, 0, 0, 0));
      assertThat(stub.call(Nr.RT_SIGACTION, 5, action.bits(), 0, 8)).isZero();
      assertThat(stub.call(Nr.GETPID)).isEqualTo(stub.tid().value());
      assertThat(Stubs.proc(stub.tid(), "status")).containsPattern("SigIgn:\t[0-9a-f]{14}1[0-9a-f]\n");
      var batch = new Batch();
      batch.call(Nr.GETPID);
      Stubs.completed(stub.run(batch, Stubs.soon()));
      assertThat(Stubs.proc(stub.tid(), "status")).as("a batch ends with a forced SIGTRAP")
          .containsPattern("SigIgn:\t[0-9a-f]{14}0[0-9a-f]\n");
      return stub;
    });
  }

  @Test
  void aStubDiesWithTheThreadThatTracesIt() throws SyscallException {
    Stub stub = tracer.call(ptrace -> Stub.spawn(ptrace, HOLE, HOLE_BYTES, List.of()));
    assertThat(Stubs.proc(stub.tid(), "stat")).contains(") t ");
    tracer.close();
    Stubs.until(() -> Stubs.proc(stub.tid(), "stat").contains(") Z "));
    assertThat(Syscalls.call(Nr.WAIT4, stub.tid().value(), 0, 0x40000000, 0)).isEqualTo(stub.tid().value());
  }

  @Test
  void aStubThatIsNeverSeizedDiesWithTheThreadThatSpawnedIt() throws Exception {
    var image = new StubImage(HOLE);
    var elf = image.file(StubCode.forStub((int) ProcessHandle.current().pid()), StubCode.STUB);
    Tid tid = tracer.call(_ -> Spawner.spawn(elf, "stasis-stub", List.of()));
    Stubs.until(() -> Stubs.proc(tid, "syscall").startsWith("34 "));
    tracer.close();
    Stubs.until(() -> Stubs.proc(tid, "stat").contains(") Z "));
    assertThat(Syscalls.call(Nr.WAIT4, tid.value(), 0, 0x40000000, 0)).isEqualTo(tid.value());
  }

  /// It may have been stopped before it had asked for that itself.
  @Test
  void aStubLeftToIdleDiesWithTheThreadThatSpawnedIt() throws SyscallException {
    Tid tid = tracer.call(ptrace -> {
      Stub stub = Stub.spawn(ptrace, HOLE, HOLE_BYTES, List.of());
      assertThat(stub.call(Nr.PRCTL, PR_SET_PDEATHSIG, 0)).isZero();
      stub.idle();
      return stub.tid();
    });
    assertThat(Stubs.proc(tid, "status")).contains("TracerPid:\t0\n");
    tracer.close();
    try {
      Stubs.until(() -> Stubs.proc(tid, "stat").contains(") Z "));
    } finally {
      Syscalls.call(Nr.KILL, tid.value(), 9);
      assertThat(Syscalls.call(Nr.WAIT4, tid.value(), 0, 0x40000000, 0)).isEqualTo(tid.value());
    }
  }

  @Test
  void aStubThatFindsAnotherParentExitsAtOnce() throws Exception {
    var image = new StubImage(HOLE);
    Tid tid = Spawner.spawn(image.file(StubCode.forStub(1), StubCode.STUB), "stasis-stub", List.of());
    Stubs.until(() -> Stubs.proc(tid, "stat").contains(") Z "));
    assertThat(Syscalls.call(Nr.WAIT4, tid.value(), 0, 0x40000000, 0)).isEqualTo(tid.value());
  }

  private static RemoteAddress vdsoSyscall(Stub stub) throws SyscallException {
    String line = Stubs.proc(stub.tid(), "maps").lines().filter(l -> l.endsWith("[vdso]")).findFirst().orElseThrow();
    long start = Long.parseUnsignedLong(line.substring(0, line.indexOf('-')), 16);
    long end = Long.parseUnsignedLong(line.substring(line.indexOf('-') + 1, line.indexOf(' ')), 16);
    byte[] code = stub.memory().read(new RemoteAddress(start), (int) (end - start)).toArray();
    for (int i = 0; i + 1 < code.length; i++) {
      if (code[i] == 0x0f && code[i + 1] == 0x05) {
        return new RemoteAddress(start + i);
      }
    }
    throw new AssertionError("no syscall instruction in the vdso");
  }
}
