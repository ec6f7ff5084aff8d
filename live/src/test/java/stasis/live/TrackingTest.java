package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import stasis.engine.CheckpointOutcome;
import stasis.engine.CheckpointReport;
import stasis.engine.CheckpointRequest;
import stasis.engine.Checkpointer;
import stasis.engine.Environment;
import stasis.engine.ImageMemory;
import stasis.engine.LiveEnvironment;
import stasis.engine.RestoreOutcome;
import stasis.engine.RestoreRequest;
import stasis.engine.Restorer;
import stasis.engine.TrackOrder;
import stasis.engine.TrackReport;
import stasis.image.Limits;
import stasis.image.ObjectId;
import stasis.image.Statefile;
import stasis.kinds.Kinds;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.probe.Feature;
import stasis.linux.probe.Features;
import stasis.linux.sys.Syscalls;
import stasis.procfs.Proc;
import stasis.procfs.ProcException;
import stasis.repository.CheckpointName;
import stasis.repository.ImageDestination;
import stasis.repository.ImageException;
import stasis.repository.ImageOrigin;
import stasis.repository.ImageReader;
import stasis.repository.ImageStore;
import stasis.repository.Repository;
import stasis.resource.TaskState;
import stasis.resource.VmaState;
import stasis.testkit.Launcher;
import stasis.testkit.Victim;

/// Checkpoints that read only what was written since the one before hold the same as those that read all.
@Timeout(240)
final class TrackingTest {
  /// The kernel writes the number of the processor there whenever it likes.
  private static final String NO_RSEQ = "GLIBC_TUNABLES=glibc.pthread.rseq=0";
  private static final String NO_BITS = "missing: soft-dirty bits on a kernel without asynchronous marks"
      + " (CONFIG_MEM_SOFT_DIRTY, before Linux 6.7)";
  private static final int ROUNDS = 15;
  private static final int SIGKILL = 9;
  private static final int SIGCONT = 18;
  private static final int SIGSTOP = 19;

  private final Environment environment = LiveEnvironment.of("test");
  private final Victims victims = new Victims();

  TrackingTest() throws IOException {}

  private CheckpointReport checkpoint(Victim victim, ImageDestination destination, boolean leaveRunning,
      TrackOrder track) {
    CheckpointOutcome outcome = new Checkpointer(Kinds.all(), environment).checkpoint(
        new CheckpointRequest(victim.pid(), destination, leaveRunning, false, Optional.empty(), track, 0), _ -> { });
    assertThat(outcome).as(Cycle.text(outcome)).isInstanceOf(CheckpointOutcome.Stored.class);
    return ((CheckpointOutcome.Stored) outcome).report();
  }

  private TrackReport tracked(Victim victim, Path repository, TrackOrder order) {
    return checkpoint(victim, Repository.destination(repository, "it"), true, order).tracked().orElseThrow();
  }

  private static ImageOrigin kept(Path repository, int number) {
    return Repository.origin(repository, CheckpointName.parse("it@" + number).orElseThrow());
  }

  private static void assertSame(ImageReader tracked, ImageReader full) throws Exception {
    try (ImageMemory one = memory(tracked); ImageMemory other = memory(full)) {
      assertThat(one.tasks().keySet()).isEqualTo(other.tasks().keySet());
      for (ObjectId mm : one.tasks().values().stream().map(TaskState::mm).distinct().toList()) {
        List<VmaState> vmas = merged(one.vmas(mm));
        assertThat(ranked(vmas)).as("vmas of mm %s", mm).isEqualTo(ranked(merged(other.vmas(mm))))
            .noneMatch(vma -> vma.has("uw") || vma.has("sd"));
        for (VmaState vma : vmas) {
          assertThat(Arrays.mismatch(bytes(one, mm, vma), bytes(other, mm, vma)))
              .as("where %s of mm %s differs", vma, mm).isEqualTo(-1);
        }
      }
    }
  }

  /// Vmas that are apart for a while are objects more, so that those behind them have other numbers.
  private static List<VmaState> ranked(List<VmaState> vmas) {
    List<ObjectId> seen = vmas.stream().map(VmaState::backing).distinct().toList();
    return vmas.stream().map(vma -> new VmaState(vma.start(), vma.lengthBytes(), vma.prot(), vma.shared(),
        vma.offset(), vma.flags(), vma.name(), new ObjectId(1 + seen.indexOf(vma.backing())))).toList();
  }

  /// What grew since it was registered is a vma of its own until it is registered as well.
  private static List<VmaState> merged(List<VmaState> vmas) {
    var merged = new ArrayList<VmaState>();
    for (VmaState vma : vmas) {
      VmaState last = merged.isEmpty() ? vma : merged.getLast();
      VmaState both = new VmaState(last.start(), last.lengthBytes() + vma.lengthBytes(), vma.prot(),
          vma.shared(), vma.offset(), vma.flags(), vma.name(), vma.backing());
      if (vma.offset() == 0 && last.end().equals(vma.start()) && both.equals(new VmaState(last.start(),
          both.lengthBytes(), last.prot(), last.shared(), last.offset(), last.flags(), last.name(),
          last.backing()))) {
        merged.set(merged.size() - 1, both);
      } else {
        merged.add(vma);
      }
    }
    return merged;
  }

  private static ImageMemory memory(ImageReader image) throws Exception {
    return ImageMemory.open(image, Statefile.decode(image.metadata(), image.pageBytes(), Limits.DEFAULT));
  }

  private static byte[] bytes(ImageMemory memory, ObjectId mm, VmaState vma) throws ImageException {
    byte[] bytes = new byte[(int) vma.lengthBytes()];
    for (VmaState part : memory.vmas(mm)) {
      if (part.start().bits() < vma.start().bits() || part.end().bits() > vma.end().bits()) {
        continue;
      }
      for (ImageMemory.Stretch stretch : memory.stretches(mm, part)) {
        memory.read(stretch, stretch.start(), MemorySegment.ofArray(bytes).asSlice(
            stretch.start() - vma.start().bits(), stretch.lengthBytes()));
      }
    }
    return bytes;
  }

  private static void tell(List<Tid> tasks, int signal) {
    tasks.forEach(task -> Syscalls.call(Nr.KILL, task.value(), signal));
    assertThat(Ground.waitFor(() -> tasks.stream().allMatch(task -> state(task) == 'T' == (signal == SIGSTOP))))
        .isTrue();
  }

  private static char state(Tid task) {
    try {
      return Proc.live().task(task).stat().state();
    } catch (ProcException e) {
      return 'X';
    }
  }

  @Test
  void whateverAProgramDoesToItsMemoryEachImageHoldsWhatAFullOneHolds(@TempDir Path folder) throws Exception {
    try (Launcher launcher = victims.launcher(folder)) {
      Victim victim = launcher.start(victims.program("tracked", "-pthread").with(NO_RSEQ));
      Path repository = folder.resolve("repository");
      long keptBytes = 0;
      for (int round = 0; round < ROUNDS; round++) {
        victim.awaitReady("round" + round, Cycle.BOUND);
        // It has said so, and may have the file it said it in open still.
        assertThat(Ground.waitFor(() -> hasClosedItsStatus(victim))).isTrue();
        List<Tid> tree = Cycle.tree(victim.pid());
        tell(tree, SIGSTOP);
        Path full = folder.resolve("full" + round);
        TrackReport report = tracked(victim, repository, TrackOrder.ON);
        checkpoint(victim, ImageStore.destination(full, false), true, TrackOrder.OFF);
        assertThat(report.since()).isEqualTo(round == 0 ? Optional.empty() : Optional.of("it@" + round));
        keptBytes += report.keptBytes();
        try (ImageReader one = kept(repository, round + 1).open(); ImageReader other = ImageReader.open(full)) {
          assertSame(one, other);
        }
        tell(tree, SIGCONT);
        victim.go("round" + round);
      }
      // Where bits are used, what the child maps as well is read each time.
      assertThat(keptBytes).isGreaterThan(ROUNDS * (bySoftDirty() ? 2L : 4L) << 20);
      assertThat(victim.verdict(Cycle.BOUND)).isEqualTo(new Victim.Verdict.Passed());
      victim.awaitPidFree(Cycle.BOUND);
      for (int round = 0; round < ROUNDS; round++) {
        assertGoesOn(kept(repository, round + 1));
      }
    }
  }

  private static boolean hasClosedItsStatus(Victim victim) {
    try {
      for (Fd fd : victim.task().fds()) {
        if (victim.task().fdLink(fd).target().latin1().endsWith("/status")) {
          return false;
        }
      }
      return true;
    } catch (ProcException e) {
      return false; // closed in between
    }
  }

  /// The victim has been told to go on by then, and compares its memory in each round that is left.
  private void assertGoesOn(ImageOrigin origin) {
    RestoreOutcome restored = new Restorer(Kinds.all(), environment).restore(new RestoreRequest(origin, false),
        _ -> { });
    assertThat(restored).as(Cycle.text(restored)).isInstanceOf(RestoreOutcome.Running.class);
    Tid root = ((RestoreOutcome.Running) restored).root();
    Cycle.tree(root).forEach(task -> Syscalls.call(Nr.KILL, task.value(), SIGCONT));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment status = arena.allocate(4);
      assertThat(Syscalls.call(Nr.WAIT4, root.value(), status.address(), 0, 0)).isEqualTo(root.value());
      assertThat(status.get(ValueLayout.JAVA_INT, 0)).as("exit status").isZero();
    }
  }

  @Test
  void theLastCheckpointIsLessAsWellAndThePlainOneInBetweenChangesNothing(@TempDir Path folder) throws Exception {
    try (Launcher launcher = victims.launcher(folder)) {
      Victim victim = launcher.start(victims.program("tracked", "-pthread"));
      Path repository = folder.resolve("repository");
      ImageDestination destination = Repository.destination(repository, "it");
      victim.awaitReady("round0", Cycle.BOUND);
      checkpoint(victim, destination, true, TrackOrder.ON);
      victim.go("round0");
      victim.awaitReady("round1", Cycle.BOUND);
      checkpoint(victim, destination, true, TrackOrder.OFF);
      TrackReport last = checkpoint(victim, destination, false, TrackOrder.ON).tracked().orElseThrow();
      victim.awaitPidFree(Cycle.BOUND);

      assertThat(last.since()).contains("it@1");
      assertThat(last.keptBytes()).isGreaterThan(last.readBytes());
      for (int round = 1; round < ROUNDS; round++) {
        Files.createFile(victim.folder().resolve("go.round" + round));
      }
      assertGoesOn(kept(repository, 3));
    }
  }

  @Test
  void aProgramWithAnIoUringIsReadWhole(@TempDir Path folder) {
    try (Launcher launcher = victims.launcher(folder)) {
      Victim victim = launcher.start(victims.ofKind("file", "iouring"));
      assertThat(Ground.waitFor(() -> !victim.labels().isEmpty())).as(victim.errors()).isTrue();
      assumeFalse(victim.labels().contains("none"), "missing: io_uring with all that the victim uses (Linux 6.6)");
      victim.awaitReady("uring-worker", Cycle.BOUND);
      CheckpointReport report = checkpoint(victim, Repository.destination(folder.resolve("repository"), "it"), true,
          TrackOrder.ON);

      assertThat(report.warnings()).anyMatch(told -> told.contains("io_uring"));
      assertThat(report.tracked().orElseThrow().trackedBytes()).isZero();
      assertThat(uw(victim)).isFalse();
    }
  }

  @Test
  void trackingEndsWhenThatIsAsked(@TempDir Path folder) throws Exception {
    try (Launcher launcher = victims.launcher(folder)) {
      Victim victim = launcher.start(victims.program("tracked", "-pthread"));
      victim.awaitReady("round0", Cycle.BOUND);
      tracked(victim, folder.resolve("repository"), TrackOrder.ON);
      Checkpointer checkpointer = new Checkpointer(Kinds.all(), environment);

      assertThat(uw(victim)).isTrue();
      assertThat(checkpointer.untrack(victim.pid())).isTrue();
      assertThat(Ground.waitFor(() -> !uw(victim))).isTrue();
      assertThat(checkpointer.untrack(victim.pid())).isFalse();
      assertThat(tracked(victim, folder.resolve("repository"), TrackOrder.ON).since()).isEmpty();
    }
  }

  private static List<Tid> holders() throws Exception {
    return Proc.live().tgids().stream().filter(task -> {
      try {
        return Files.readString(Path.of("/proc/" + task + "/comm")).equals("stasis-tracker\n") && state(task) != 'Z';
      } catch (IOException e) {
        return false;
      }
    }).toList();
  }

  @Test
  void whenTheHolderIsKilledAllIsReadAndTheNextIsLessAgain(@TempDir Path folder) throws Exception {
    try (Launcher launcher = victims.launcher(folder)) {
      List<Tid> before = holders();
      Victim victim = launcher.start(victims.program("tracked", "-pthread"));
      victim.awaitReady("round0", Cycle.BOUND);
      Path repository = folder.resolve("repository");

      assertThat(tracked(victim, repository, TrackOrder.ON).since()).isEmpty();
      assertThat(tracked(victim, repository, TrackOrder.ON).since()).contains("it@1");
      List<Tid> holder = new ArrayList<>(holders());
      holder.removeAll(before);
      assertThat(holder).hasSize(1);
      assertThat(Files.readString(Path.of("/proc/" + victim.pid() + "/smaps"))).contains(" uw");
      Syscalls.call(Nr.KILL, holder.getFirst().value(), SIGKILL);
      assertThat(Ground.waitFor(() -> !uw(victim))).isTrue();
      TrackReport full = tracked(victim, repository, TrackOrder.ON);
      TrackReport less = tracked(victim, repository, TrackOrder.ON);
      victim.go("round0");
      victim.awaitReady("round1", Cycle.BOUND);

      assertThat(full.since()).isEmpty();
      assertThat(full.keptBytes()).isZero();
      assertThat(less.since()).contains("it@3");
      assertThat(less.readBytes()).isLessThan(full.readBytes() / 2);
      Syscalls.call(Nr.KILL, victim.pid().value(), SIGKILL);
      assertThat(Ground.waitFor(() -> {
        try {
          return holders().equals(before);
        } catch (Exception e) {
          return false;
        }
      })).as("the holder ends with the program").isTrue();
    }
  }

  private static boolean bySoftDirty() throws SyscallException {
    Features features = Features.probe();
    return features.has(Feature.SOFT_DIRTY) && !features.has(Feature.UFFD_WP_ASYNC);
  }

  @Test
  void whoeverElseClearsSoftDirtyBitsIsNoticedAndAllIsRead(@TempDir Path folder) throws Exception {
    assumeTrue(bySoftDirty(), NO_BITS);
    try (Launcher launcher = victims.launcher(folder)) {
      Victim victim = launcher.start(victims.program("tracked", "-pthread").with(NO_RSEQ));
      Path repository = folder.resolve("repository");
      ImageDestination destination = Repository.destination(repository, "it");
      victim.awaitReady("round0", Cycle.BOUND);
      tracked(victim, repository, TrackOrder.ON);
      assertThat(tracked(victim, repository, TrackOrder.ON).since()).contains("it@1");
      victim.go("round0");
      victim.awaitReady("round1", Cycle.BOUND);
      assertThat(Ground.waitFor(() -> hasClosedItsStatus(victim))).isTrue();
      Files.writeString(Path.of("/proc/" + victim.pid() + "/clear_refs"), "4");
      List<Tid> tree = Cycle.tree(victim.pid());
      tell(tree, SIGSTOP);
      CheckpointReport all = checkpoint(victim, destination, true, TrackOrder.ON);
      Path full = folder.resolve("full");
      checkpoint(victim, ImageStore.destination(full, false), true, TrackOrder.OFF);

      assertThat(all.warnings()).anyMatch(told -> told.contains("somebody else has cleared the soft-dirty bits"));
      assertThat(all.tracked().orElseThrow().since()).isEmpty();
      assertThat(all.tracked().orElseThrow().keptBytes()).isZero();
      try (ImageReader one = kept(repository, 3).open(); ImageReader other = ImageReader.open(full)) {
        assertSame(one, other);
      }
      assertThat(tracked(victim, repository, TrackOrder.ON).since()).contains("it@3");
    }
  }

  @Test
  void aProgramInWhichNothingWouldTellThatBitsWereClearedIsNotTracked(@TempDir Path folder) throws Exception {
    assumeTrue(bySoftDirty(), NO_BITS);
    try (Launcher launcher = victims.launcher(folder)) {
      Victim victim = launcher.start(victims.program("tracked", "-pthread", "-static", "-Wl,-z,norelro"));
      victim.awaitReady("round0", Cycle.BOUND);
      CheckpointReport report = checkpoint(victim, Repository.destination(folder.resolve("repository"), "it"), true,
          TrackOrder.ON);

      assertThat(report.warnings()).anyMatch(told -> told.contains("nothing in it would tell"));
      assertThat(report.tracked().orElseThrow().trackedBytes()).isZero();
      assertThat(uw(victim)).isFalse();
    }
  }

  private static boolean uw(Victim victim) {
    try {
      return Files.readString(Path.of("/proc/" + victim.pid() + "/smaps")).contains(" uw");
    } catch (IOException e) {
      return false;
    }
  }
}
