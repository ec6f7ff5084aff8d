package stasis.tracee;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.Uffd;
import stasis.linux.abi.UffdMessage;
import stasis.linux.sys.Syscalls;
import stasis.linux.sys.Userfault;
import stasis.tracee.stub.Batch;
import stasis.tracee.stub.Operand;
import stasis.tracee.stub.Outcome;
import stasis.tracee.stub.Stub;

final class UserfaultsTest {
  private static final int O_NONBLOCK = 0x800;
  private static final int PAGE = 4096;
  private static final int PROT_READ_WRITE = 3;
  private static final int MAP_PRIVATE_ANONYMOUS = 0x22;
  private static final RemoteAddress HOLE = new RemoteAddress(0x20_0000_0000L);

  private final TracerThread tracer = new TracerThread();

  @BeforeEach
  void needRoot() {
    assumeTrue(Syscalls.call(Nr.GETEUID) == 0, "missing: CAP_SYS_PTRACE");
  }

  @AfterEach
  void endTracer() {
    tracer.close();
  }

  private static long fds(int pid) {
    String[] names = Path.of("/proc/" + pid + "/fd").toFile().list();
    return names == null ? -1 : names.length;
  }

  @Test
  void pagesThatAreMissingInAStubArePutInByTheEngineAndTheStubHasNothingOpen() throws Exception {
    tracer.call(ptrace -> {
      try (Stub stub = Stub.spawn(ptrace, HOLE, 1 << 20, List.of()); Arena arena = Arena.ofConfined()) {
        long open = fds(stub.tid().value());
        try (Userfault uffd = Userfaults.open(stub, O_NONBLOCK)) {
          assertThat(fds(stub.tid().value())).isEqualTo(open);
          uffd.agree(Uffd.FEATURE_EVENT_REMOVE);
          RemoteAddress memory = new RemoteAddress(stub.call(Nr.MMAP, 0, 3 * PAGE, PROT_READ_WRITE,
              MAP_PRIVATE_ANONYMOUS, -1, 0));
          assertThat(uffd.register(memory, 3 * PAGE, Uffd.REGISTER_MODE_MISSING)).isZero();
          MemorySegment pages = arena.allocate(2 * PAGE, PAGE).fill((byte) 7);
          assertThat(uffd.copy(memory, pages.address(), 2 * PAGE, 0)).isEqualTo(2 * PAGE);
          assertThat(uffd.copy(memory, pages.address(), PAGE, 0)).isEqualTo(-Errno.EEXIST.number());
          assertThat(uffd.zero(memory.plus(2 * PAGE), PAGE, 0)).isEqualTo(PAGE);
          assertThat(stub.memory().read(memory, 3 * PAGE)).isEqualTo(
              Bytes.of(pages.toArray(JAVA_BYTE)).concat(Bytes.zeros(PAGE)));
          assertThat(uffd.read(arena.allocate(4 * Uffd.MESSAGE_BYTES, 8))).isEmpty();
        }
      }
      return true;
    });
  }

  @Test
  void anEventIsToldAndTheTaskWaitsUntilItWasRead() throws Exception {
    tracer.call(ptrace -> {
      try (Stub stub = Stub.spawn(ptrace, HOLE, 1 << 20, List.of()); Arena arena = Arena.ofConfined();
          Userfault uffd = Userfaults.open(stub, O_NONBLOCK)) {
        uffd.agree(Uffd.FEATURE_EVENT_REMOVE);
        RemoteAddress memory = new RemoteAddress(stub.call(Nr.MMAP, 0, PAGE, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS,
            -1, 0));
        assertThat(uffd.register(memory, PAGE, Uffd.REGISTER_MODE_MISSING)).isZero();
        var batch = new Batch();
        batch.call(Nr.MADVISE, Operand.imm(memory.bits()), Operand.imm(PAGE), Operand.imm(4));
        var run = stub.start(batch);
        List<UffdMessage> told = List.of();
        for (int i = 0; i < 1000 && told.isEmpty(); i++) {
          Thread.sleep(1);
          told = uffd.read(arena.allocate(4 * Uffd.MESSAGE_BYTES, 8));
        }
        assertThat(told).containsExactly(new UffdMessage.Remove(memory, memory.plus(PAGE)));
        assertThat(run.await(Deadline.after(Duration.ofSeconds(5)))).isInstanceOf(Outcome.Completed.class);
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
      return true;
    });
  }

  @Test
  void anErrandMakesOneInALiveProgramWhoseDescriptorsStayAsTheyWere() throws Exception {
    try (Target target = Target.sleeping()) {
      long open = fds(target.leader().value());
      tracer.call(ptrace -> {
        try (FrozenGroup group = ErrandTest.frozen(ptrace, target.leader());
            Userfault uffd = Userfaults.open(group, group.tasks().getFirst(), O_NONBLOCK | Uffd.USER_MODE_ONLY,
                Deadline.after(Duration.ofSeconds(5)))) {
          uffd.agree(0);
          assertThat(fds(target.leader().value())).isEqualTo(open);
          long heap = Long.parseUnsignedLong(target.text("maps").lines().filter(line -> line.endsWith("[heap]"))
              .findFirst().orElseThrow().split("-")[0], 16);
          assertThat(uffd.register(new RemoteAddress(heap), PAGE, Uffd.REGISTER_MODE_MISSING)).isZero();
          assertThat(uffd.unregister(new RemoteAddress(heap), PAGE)).isZero();
        } catch (ErrandRefusedException e) {
          throw new AssertionError(e);
        }
        return true;
      });
    }
  }
}
