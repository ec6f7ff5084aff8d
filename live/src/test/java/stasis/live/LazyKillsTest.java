package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import stasis.engine.LateFill;
import stasis.engine.Moment;
import stasis.engine.Practice;
import stasis.engine.RestoreOutcome;
import stasis.engine.Restorer;
import stasis.kinds.Kinds;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Tid;
import stasis.linux.abi.Uffd;
import stasis.linux.sys.Syscalls;
import stasis.testkit.Victim;

/// A program that is killed, at any instant, while its memory still comes in: who serves it ends soon after, has nothing
/// to complain of, and nothing of either is left. `-Dstasis.live.lazykills=N` for other numbers of restores.
class LazyKillsTest {
  private static final int ROUNDS = Integer.getInteger("stasis.live.lazykills", 10);
  private static final long SEED = Long.getLong("stasis.live.seed", System.nanoTime() & 0xffff);
  private static final long SERVED_WITHIN_S = 20;
  private static final double LATEST_NS = 15e6;
  private static final Path OWN_FILES = Path.of("/proc/self/fd");

  private final Random random = new Random(SEED);
  private final Map<String, Integer> seen = new TreeMap<>();

  /// Kills from a thread of its own: one process or all, then, a little later, whoever is left.
  private record Killer(Tid root, boolean early, boolean single, int choice, long afterNs, long restAfterNs,
      CountDownLatch begun) {
    void at(Moment moment) {
      if (early ? moment instanceof Moment.BeforeRelease : moment instanceof Moment.Released) {
        begun.countDown();
      }
    }

    void run() {
      try {
        begun.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      spin(afterNs);
      if (single) {
        List<Tid> tree = Cycle.tree(root);
        Syscalls.call(Nr.KILL, tree.get(choice % tree.size()).value(), 9);
        spin(restAfterNs);
      }
      Syscalls.call(Nr.KILL, -root.value(), 9);
    }

    private static void spin(long ns) {
      long end = System.nanoTime() + ns;
      while (System.nanoTime() < end) {
        Thread.onSpinWait();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"lazy_memory", "lazy_little"})
  void aServerWhoseProgramIsKilledEndsAndLeavesNothing(String program, @TempDir Path work) throws Exception {
    assumeTrue(Syscalls.call(Nr.GETEUID) == 0, "missing: CAP_SYS_PTRACE");
    System.out.println("lazy kills seed " + SEED);
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work); Practice kept = Practice.kept()) {
      Path image = cycle.newImage();
      Path order = work.resolve("order");
      Victim victim = cycle.start(program.equals("lazy_memory") ? victims.general(program) : victims.program(program));
      victim.awaitReady("filled", Cycle.BOUND);
      cycle.stored(victim, image, false);
      cycle.bury(victim);
      for (int round = 0; round < ROUNDS; round++) {
        again(victim, order);
        Set<Long> children = Ground.children();
        Practice practice = random.nextBoolean() ? kept : Practice.none();
        kept.rest();
        Map<String, Long> open = openFiles();
        killed(cycle, victim, image, random.nextInt(4) == 0 ? Optional.empty() : Optional.of(order), practice);
        kept.rest();
        Ground.noNewChildren(children);
        assertThat(Ground.waitFor(() -> openFiles().equals(open))).as(() -> "before " + open + ", after " + openFiles())
            .isTrue();
        assertThat(Ground.waitFor(() -> serving().isEmpty())).as(() -> "threads " + serving()).isTrue();
      }
      System.out.println(program + ": " + ROUNDS + " restores, " + seen);
    }
  }

  /// As after an mremap(2) that failed in the middle, on a kernel that forgets to say so.
  @Test
  void aServerEndsAlthoughTheKernelSaysForGoodThatTheMemoryOfTheDeadIsChanging(@TempDir Path work) throws Exception {
    assumeTrue(Syscalls.call(Nr.GETEUID) == 0, "missing: CAP_SYS_PTRACE");
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work)) {
      Path image = cycle.newImage();
      Victim victim = cycle.start(victims.general("lazy_memory"));
      victim.awaitReady("filled", Cycle.BOUND);
      cycle.stored(victim, image, false);
      cycle.bury(victim);
      Set<Long> children = Ground.children();
      RestoreOutcome.Running running = Syscalls.through((number, args) -> number == Nr.IOCTL.on(Syscalls.HOST)
          && (args[1] == Uffd.IOCTL_COPY || args[1] == Uffd.IOCTL_WRITEPROTECT) ? -Errno.EAGAIN.number()
          : Syscalls.kernel(number, args), () -> cycle.lazily(image, Optional.empty()));
      Syscalls.call(Nr.KILL, victim.pid().value(), 9);
      cycle.bury(victim);
      assertThat(within(running.late().orElseThrow(), 2 * SERVED_WITHIN_S)).hasValueSatisfying(
          why -> assertThat(why).contains("have ended"));
      assertThat(Ground.waitFor(() -> serving().isEmpty())).as(() -> "threads " + serving()).isTrue();
      // The guard stays as long as this process, which has others to come.
      for (long guard : Ground.children()) {
        if (!children.contains(guard)) {
          Syscalls.call(Nr.KILL, guard, 9);
          Syscalls.call(Nr.WAIT4, guard, 0, 0, 0);
        }
      }
    }
  }

  /// As it was at the checkpoint, and sometimes told to go on already; the hints may be gone, or no hints.
  private void again(Victim victim, Path order) throws IOException {
    Files.deleteIfExists(victim.folder().resolve("go.filled"));
    Files.write(victim.folder().resolve("status"), victim.lines().stream()
        .filter(line -> line.startsWith("START") || line.startsWith("READY")).toList());
    if (random.nextBoolean()) {
      victim.go("filled");
    }
    switch (random.nextInt(6)) {
      case 0 -> Files.deleteIfExists(order);
      case 1 -> Files.writeString(order, "none of ours 7ffff0000000\n");
      default -> { }
    }
  }

  private void killed(Cycle cycle, Victim victim, Path image, Optional<Path> order, Practice practice)
      throws Exception {
    double sooner = random.nextDouble();
    var killer = new Killer(victim.pid(), random.nextInt(3) == 0, random.nextBoolean(), random.nextInt(100),
        (long) (sooner * sooner * sooner * LATEST_NS), random.nextInt((int) LATEST_NS), new CountDownLatch(1));
    Thread thread = Thread.ofPlatform().start(killer::run);
    RestoreOutcome outcome;
    try {
      outcome = cycle.noted(new Restorer(Kinds.all(), cycle.environment(), practice)
          .restore(LazyProcess.request(image, order), killer::at));
    } finally {
      killer.begun().countDown();
      thread.join();
    }
    if (outcome instanceof RestoreOutcome.Running running) {
      LateFill late = running.late().orElseThrow(() -> new AssertionError("nothing was left for later"));
      assertThat(within(late, SERVED_WITHIN_S)).as("%s", killer).isEmpty();
      count(late.figures().backgroundBytes() + late.figures().faultBytes() >= late.figures().lateBytes()
          ? "killed when all was in" : "killed before");
    } else {
      // Before it ran.
      assertThat(outcome).as("%s: %s", killer, Cycle.text(outcome)).isInstanceOf(RestoreOutcome.Failed.class);
      assertThat(killer.early()).as("%s: %s", killer, Cycle.text(outcome)).isTrue();
      count("killed before its release");
    }
    assertThat(Ground.waitFor(() -> {
      cycle.reap(victim.pid());
      return Syscalls.call(Nr.KILL, -victim.pid().value(), 9) == -Errno.ESRCH.number();
    })).as("%s: its processes are gone", killer).isTrue();
  }

  private void count(String what) {
    seen.merge(what, 1, Integer::sum);
  }

  private static Optional<String> within(LateFill late, long seconds)
      throws InterruptedException, ExecutionException {
    CompletableFuture<Optional<String>> ended =
        CompletableFuture.supplyAsync(late::await, work -> Thread.ofPlatform().daemon().start(work));
    try {
      return ended.get(seconds, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw new AssertionError("still served after " + seconds + " s: " + serving(), e);
    }
  }

  /// Threads of a server, and where they are.
  private static List<String> serving() {
    return Thread.getAllStackTraces().entrySet().stream()
        .filter(thread -> thread.getKey().getName().matches("stasis-(faults|fill-.*)"))
        .map(thread -> thread.getKey().getName() + " in " + Arrays.toString(thread.getValue())).toList();
  }

  /// What this process has open that has no name in a folder, and how often.
  private static Map<String, Long> openFiles() {
    try (Stream<Path> files = Files.list(OWN_FILES)) {
      return files.map(LazyKillsTest::target).filter(target -> target.startsWith("anon_inode:"))
          .collect(Collectors.groupingBy(target -> target, TreeMap::new, Collectors.counting()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String target(Path file) {
    try {
      return Files.readSymbolicLink(file).toString();
    } catch (IOException e) {
      return "";
    }
  }
}
