package stasis.linux.bpf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;

/// Where it cannot be read there is a reason in words; odd groups are read for what they are.
final class HiddenRefusalTest {
  @TempDir
  Path folder;

  @Test
  void withoutCapabilitiesTheReasonNamesThem() throws InterruptedException {
    var opened = new AtomicReference<Optional<HiddenState.Opened>>(Optional.empty());
    Thread powerless = Thread.ofPlatform().start(() -> {
      dropCapabilitiesOfThisThread();
      opened.set(Optional.of(HiddenState.open()));
    });
    powerless.join();
    assertThat(opened.get().orElseThrow()).isInstanceOfSatisfying(HiddenState.Opened.Unavailable.class,
        refusal -> assertThat(refusal.reason()).contains("EPERM").contains("CAP_BPF and CAP_PERFMON"));
  }

  /// Capabilities are a thread's own (capabilities(7)).
  private static void dropCapabilitiesOfThisThread() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment header = arena.allocateFrom(ValueLayout.JAVA_INT, 0x20080522, 0);
      assertThat(Syscalls.call(Nr.CAPSET, header.address(), arena.allocate(24, 8).address())).isZero();
    }
  }

  @Test
  void aKernelWithoutTypeInformationIsNamed() {
    assertThat(HiddenState.open(folder.resolve("vmlinux"))).isInstanceOfSatisfying(
        HiddenState.Opened.Unavailable.class,
        refusal -> assertThat(refusal.reason()).contains("CONFIG_DEBUG_INFO_BTF"));
  }

  @Test
  void typeInformationOfNoKernelIsRefused() throws IOException {
    Path file = Files.write(folder.resolve("garbage"), new byte[100]);
    assertThat(HiddenState.open(file)).isEqualTo(
        new HiddenState.Opened.Unavailable("BTF: no BTF magic (or of a big-endian kernel)"));
    Path empty = Files.write(folder.resolve("other"), new BtfBuilder().build());
    assertThat(HiddenState.open(empty)).isInstanceOfSatisfying(HiddenState.Opened.Unavailable.class,
        refusal -> assertThat(refusal.reason()).contains("task_struct has no"));
  }

  @Test
  void everyPartCanBeReadHere() throws IOException {
    assumeTrue(BpfAllowed.byCapabilities(), "needs CAP_BPF and CAP_PERFMON");
    BpfFeatures features = BpfFeatures.probe();
    assertThat(features.refusal()).isEmpty();
    assertThat(features.timersRefusal()).isEmpty();
    assertThat(features.semUndoRefusal()).isEmpty();
  }

  @Test
  void aGroupThatIsNotThereIsEmpty() throws IOException, SyscallException {
    assumeTrue(BpfAllowed.byCapabilities(), "needs CAP_BPF and CAP_PERFMON");
    try (HiddenState state = BpfAllowed.open()) {
      assertThat(state.read(new Tid(0x3ffffff))).isEmpty();
    }
  }

  @Test
  void allTasksAreReadWithKernelThreadsAmongThem() throws IOException, SyscallException {
    assumeTrue(BpfAllowed.byCapabilities(), "needs CAP_BPF and CAP_PERFMON");
    try (HiddenState state = BpfAllowed.open()) {
      List<HiddenTask> all = state.readAll();
      assertThat(all).extracting(HiddenTask::tid).contains(new Tid((int) Syscalls.call(Nr.GETTID)))
          .doesNotHaveDuplicates().isSorted();
      assertThat(all).anySatisfy(task -> assertThat(task.state().hasMm()).isFalse());
    }
  }

  @Test
  void aGroupWhoseLeaderIsGoneIsReadThroughAnotherThread() throws Exception {
    assumeTrue(BpfAllowed.byCapabilities(), "needs CAP_BPF and CAP_PERFMON");
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/gcc")), "needs gcc");
    try (HiddenState state = BpfAllowed.open();
        HiddenTarget target =
            HiddenTarget.startLeaderless(HiddenTarget.compile(folder), folder.resolve("answers"))) {
      HiddenGroup group = state.read(target.tgid()).orElseThrow();
      assertThat(group.tasks()).hasSize(2);
      assertThat(group.tasks().getFirst().tid()).isEqualTo(target.tgid());
      assertThat(group.tasks().getFirst().state()).satisfies(leader -> {
        assertThat(leader.exited()).isTrue();
        assertThat(leader.hasMm()).isFalse();
      });
      assertThat(group.tasks().getLast().state().hasMm()).isTrue();
      assertThat(group.tasks().getLast().state().exited()).isFalse();
      assertThat(group.shared().orElseThrow().mm().brk().bits()).isNotZero();
    }
  }

  @Test
  void aGroupStoppedBySignalSaysSoAndBySignal() throws Exception {
    assumeTrue(BpfAllowed.byCapabilities(), "needs CAP_BPF and CAP_PERFMON");
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/gcc")), "needs gcc");
    try (HiddenState state = BpfAllowed.open();
        HiddenTarget target =
            HiddenTarget.startLeaderless(HiddenTarget.compile(folder), folder.resolve("answers"))) {
      target.stopBySignal();
      HiddenGroup group = state.read(target.tgid()).orElseThrow();
      assertThat(group.shared().orElseThrow().signalFlags() & 1).isOne();
      assertThat(group.tasks().getLast().state().jobctl() & 0xffff).isEqualTo(19);
    }
  }
}
