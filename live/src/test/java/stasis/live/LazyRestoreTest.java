package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.engine.LateFill;
import stasis.engine.RestoreOutcome;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;
import stasis.repository.ImageStore;
import stasis.testkit.Oracle;
import stasis.testkit.Victim;

/// A tree that runs before it has its memory sees nothing of that, whatever it does and whoever dies.
class LazyRestoreTest {
  private static final int KILLS = 3;
  private static final long SEED = Long.getLong("stasis.live.seed", System.nanoTime() & 0xffff);

  @TempDir private Path work;

  @BeforeEach
  void needs() {
    assumeTrue(Oracle.isAvailable(), "needs python3");
    assumeTrue(Syscalls.call(Nr.GETEUID) == 0, "missing: CAP_SYS_PTRACE");
  }

  private static Victim gone(Cycle cycle, Victims victims, Path image) {
    Victim victim = cycle.start(victims.general("lazy_memory"));
    victim.awaitReady("filled", Cycle.BOUND);
    cycle.stored(victim, image, false);
    cycle.bury(victim);
    return victim;
  }

  /// As it was at the checkpoint: not told to go on, and with nothing said of what came after.
  private static void again(Victim victim) throws IOException {
    Files.delete(victim.folder().resolve("go.filled"));
    Files.write(victim.folder().resolve("status"), victim.lines().stream()
        .filter(line -> line.startsWith("START") || line.startsWith("READY")).toList());
  }

  private static LateFill late(RestoreOutcome.Running running) {
    return running.late().orElseThrow(() -> new AssertionError("nothing was left for later"));
  }

  @Test
  void aProgramThatMovesDropsAndCopiesMemoryWhileItComesInFindsEveryByte() throws IOException {
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work)) {
      Path image = cycle.newImage();
      Path order = work.resolve("order");
      Victim victim = gone(cycle, victims, image);
      for (int round = 0; round < 2; round++) {
        RestoreOutcome.Running running = cycle.lazily(image, Optional.of(order));
        assertThat(late(running).figures().lateBytes()).isGreaterThan(20L << 20);
        victim.go("filled");
        assertThat(victim.verdict(Cycle.BOUND)).isEqualTo(new Victim.Verdict.Passed());
        assertThat(late(running).await()).isEmpty();
        cycle.bury(victim);
        again(victim);
      }
    }
  }

  @Test
  void aProgramThatDoesNothingHasItsMemoryAndNothingOfOurs() throws IOException {
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work)) {
      Path image = cycle.newImage();
      Victim victim = cycle.start(victims.general("lazy_memory"));
      victim.awaitReady("filled", Cycle.BOUND);
      Path before = cycle.oracle().snapshot(victim.pid(), "--tree");
      cycle.stored(victim, image, false);
      cycle.bury(victim);
      RestoreOutcome.Running running = cycle.lazily(image, Optional.empty());
      assertThat(late(running).await()).isEmpty();
      cycle.agree(before, cycle.oracle().snapshot(victim.pid(), "--tree"));
      assertThat(Files.readString(Path.of("/proc/" + victim.pid() + "/smaps")).lines()
          .filter(line -> line.startsWith("VmFlags:"))).noneMatch(line -> line.contains(" um"));
      victim.go("filled");
      assertThat(victim.verdict(Cycle.BOUND)).isEqualTo(new Victim.Verdict.Passed());
    }
  }

  @Test
  void aProgramWhoseServerIsKilledDiesOrHasAllItsMemoryAndNeverReadsZeros() throws Exception {
    System.out.println("lazy kill seed " + SEED);
    var random = new Random(SEED);
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work)) {
      Path image = cycle.newImage();
      Victim victim = gone(cycle, victims, image);
      for (int i = 0; i < KILLS; i++) {
        Process server = LazyProcess.start(image);
        try (BufferedReader said = server.inputReader()) {
          assertThat(said.readLine()).isEqualTo("runs");
          victim.go("filled");
          Thread.sleep(random.nextInt(30));
          Syscalls.call(Nr.KILL, server.pid(), 9);
          Victim.Verdict verdict = victim.verdict(Cycle.BOUND);
          assertThat(verdict).isInstanceOfAny(Victim.Verdict.Vanished.class, Victim.Verdict.Passed.class);
          server.waitFor();
        }
        // Orphans too, before anyone lets go of their memory.
        Syscalls.call(Nr.KILL, -victim.pid().value(), 9);
        endGuards();
        Ground.waitFor(() -> Syscalls.call(Nr.KILL, -victim.pid().value(), 0) == -Errno.ESRCH.number());
        again(victim);
      }
    }
  }

  /// One that stays because it cannot know all children is right to; it is ours to end.
  private static void endGuards() throws IOException {
    try (var processes = Files.list(Path.of("/proc"))) {
      for (Path process : processes.filter(path -> path.getFileName().toString().matches("[0-9]+")).toList()) {
        try {
          if (Files.readString(process.resolve("comm")).equals("stasis-guard\n")) {
            Syscalls.call(Nr.KILL, Long.parseLong(process.getFileName().toString()), 9);
          }
        } catch (IOException e) {
          // It has ended.
        }
      }
    }
  }

  @Test
  void aPageThatRottedKillsTheProgramAndSaysWhere() throws IOException {
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work)) {
      Path image = cycle.newImage();
      Victim victim = gone(cycle, victims, image);
      try (FileChannel file = FileChannel.open(image.resolve(ImageStore.STATEFILE), StandardOpenOption.WRITE)) {
        file.write(ByteBuffer.wrap("rotten".getBytes(java.nio.charset.StandardCharsets.US_ASCII)),
            file.size() - (5L << 20));
      }
      RestoreOutcome.Running running = cycle.lazily(image, Optional.empty());
      assertThat(late(running).await()).hasValueSatisfying(why -> assertThat(why).contains("damaged pages"));
      Tid root = running.root();
      Ground.waitFor(() -> {
        cycle.reap(root);
        return !Cycle.exists(root);
      });
      assertThat(Cycle.exists(root)).isFalse();
    }
  }
}
