package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import stasis.engine.Acceptance;
import stasis.engine.CheckpointOutcome;
import stasis.engine.CheckpointRequest;
import stasis.engine.Checkpointer;
import stasis.engine.EmbedOrder;
import stasis.engine.FilePolicy;
import stasis.engine.Place;
import stasis.engine.RestoreOutcome;
import stasis.engine.RestoreRequest;
import stasis.engine.Restorer;
import stasis.engine.Moment;
import stasis.engine.TrackOrder;
import stasis.kinds.Kinds;
import stasis.repository.ImageReader;
import stasis.repository.ImageStore;
import stasis.resource.Obstacle;
import stasis.testkit.Victim;

/// One program under load: a checkpoint a second that lets it run on; every few of them it is ended instead, and
/// restored. Some of the images are kept, and restored when all is over.
final class LoadRun implements AutoCloseable {
  private static final Duration BOUND = Duration.ofSeconds(60);
  private static final long EVERY_NS = 1_000_000_000L;
  private static final long MILLION = 1_000_000;
  /// Every so many the program is ended and restored.
  private static final int END_EVERY = 5;
  /// How many images are kept of those that end it, and of the others.
  private static final int MOST_KEPT = 3;

  /// @param rounds it had made before @param files its folder at that moment, if the image alone is not whole
  private record Kept(Path image, long rounds, Optional<Path> files) {}

  private final LoadSubject subject;
  private final Cycle cycle;
  private final Path work;
  private final Victim victim;
  private final Ground.Stray ground;
  private final List<Kept> kept = new ArrayList<>();
  /// How long it stood still, each time; whole reports would be the growth that is looked for.
  private final List<Long> frozenUs = new ArrayList<>();
  private final List<ProcessSize> sizes = new ArrayList<>();
  private final Map<String, Integer> refused = new TreeMap<>();
  private int ended;
  private int guarded;
  private long pageBytes;

  LoadRun(LoadSubject subject, Victims victims, Path work) {
    this.subject = subject;
    this.work = work;
    this.cycle = new Cycle(victims, work);
    this.victim = cycle.start(subject.subject().program().apply(victims));
    victim.awaitReady(subject.subject().label(), BOUND);
    this.ground = Ground.Stray.now();
  }

  Victim victim() {
    return victim;
  }

  /// A checkpoint a second, or as soon as the one before is over.
  void load(int seconds) throws IOException {
    long begin = System.nanoTime();
    int keepEvery = Math.max(1, seconds / MOST_KEPT);
    for (int second = 1; second <= seconds; second++) {
      while (System.nanoTime() < begin + second * EVERY_NS) {
        LockSupport.parkNanos(begin + second * EVERY_NS - System.nanoTime());
      }
      boolean end = second % END_EVERY == Math.min(END_EVERY, seconds) - 1;
      int turn = second % keepEvery;
      boolean keep = end ? turn < END_EVERY : turn == 0 && subject.alone();
      checkpoint(end, keep && kept.stream().filter(one -> one.files().isPresent() == end).count() < MOST_KEPT);
      isWell();
      sizes.add(ProcessSize.ofThis());
    }
  }

  /// How many checkpoints have write-protected shared memory.
  int guarded() {
    return guarded;
  }

  private void checkpoint(boolean end, boolean keep) throws IOException {
    Path image = cycle.newImage();
    long rounds = rounds();
    CheckpointOutcome outcome = new Checkpointer(Kinds.all(), cycle.environment()).checkpoint(new CheckpointRequest(
        victim.pid(), ImageStore.destination(image, false), !end, false, Optional.empty(), TrackOrder.OFF, 0,
        keep ? EmbedOrder.ALL : EmbedOrder.NONE, Optional.empty()), moment -> {
          if (moment.equals(new Moment.At("shared-protected"))) {
            guarded++;
          }
        });
    switch (outcome) {
      case CheckpointOutcome.Stored(var report) -> {
        assertThat(report.warnings()).noneMatch(warning -> warning.startsWith("no snapshot"));
        frozenUs.add(report.frozenNs() / 1000);
        pageBytes = report.pageBytes();
      }
      case CheckpointOutcome.Refused(var obstacles, var _) -> {
        assertThat(ImageStore.holdsImage(image)).isFalse();
        obstacles.forEach(this::note);
        return;
      }
      default -> throw new AssertionError(Cycle.text(outcome));
    }
    if (end) {
      ended++;
      cycle.bury(victim);
      Ground.onlyTasks(cycle, Set.of());
    }
    if (keep) {
      kept.add(new Kept(image, rounds, end ? Optional.of(copied(image)) : Optional.empty()));
    }
    if (end) {
      cycle.running(image);
    }
    if (!keep) {
      remove(image);
    }
  }

  private void note(Obstacle obstacle) {
    refused.merge(obstacle.text().replaceAll("[0-9]+", "N"), 1, Integer::sum);
  }

  private Path copied(Path image) throws IOException {
    Path copy = work.resolve("files of " + image.getFileName());
    run("cp", "-a", "--reflink=auto", victim.folder().toString(), copy.toString());
    return copy;
  }

  /// It goes on, and nothing of it stands.
  private void isWell() {
    assertThat(Ground.waitFor(() -> Cycle.tree(victim.pid()).stream().allMatch(task -> Ground.stopped(task).isEmpty())))
        .as("nothing of it is left standing").isTrue();
    long rounds = rounds();
    assertThat(Ground.waitFor(() -> failed() || rounds() > rounds)).as(() -> "it does not go on: " + said()).isTrue();
    assertThat(failed()).as(this::said).isFalse();
  }

  private boolean failed() {
    return !victim.isAlive() || victim.lines().stream().anyMatch(line -> line.startsWith("FAIL"));
  }

  private String said() {
    return victim.lines() + victim.errors();
  }

  private long rounds() {
    return subject.subject().rounds(victim).getFirst();
  }

  /// Told to end, it looks at all it has done, its files too.
  ///
  /// @return how many operations that were
  long passes() throws IOException {
    victim.go(subject.subject().label());
    assertThat(victim.verdict(BOUND)).as(() -> subject.name() + " " + said()).isEqualTo(new Victim.Verdict.Passed());
    cycle.bury(victim);
    Ground.onlyTasks(cycle, Set.of());
    return Long.parseLong(victim.output().lines().filter(line -> line.startsWith("operations ")).reduce((_, b) -> b)
        .orElseThrow().replace("operations ", ""));
  }

  void leftNothing() {
    ground.isAsItWas();
  }

  /// Each of the images that were kept goes on where it was: it has not done what came after, and misses nothing
  /// before.
  void keptOnesGoOn() throws IOException {
    for (Kept one : kept) {
      if (one.files().isPresent()) {
        // The folder stays the one it was.
        emptied(victim.folder());
        run("cp", "-a", "--reflink=auto", one.files().get() + "/.", victim.folder().toString());
      }
      Files.deleteIfExists(victim.folder().resolve("go." + subject.subject().label()));
      Path status = victim.folder().resolve("status");
      Files.write(status, victim.lines().stream().filter(line -> !line.equals("PASS")).toList());
      RestoreOutcome outcome = cycle.noted(new Restorer(Kinds.all(), cycle.environment()).restore(new RestoreRequest(
          () -> ImageReader.open(one.image()), false, Acceptance.ALL, Optional.empty(), Place.ANY, FilePolicy.ROLLBACK),
          _ -> { }));
      assertThat(outcome).as(Cycle.text(outcome)).isInstanceOf(RestoreOutcome.Running.class);
      isWell();
      assertThat(rounds()).isGreaterThanOrEqualTo(one.rounds());
      passes();
    }
  }

  /// A row of the table.
  String row(int seconds, long operations) {
    List<Long> ordered = frozenUs.stream().sorted().toList();
    ProcessSize second = ProcessSize.median(sizes, 1);
    ProcessSize last = ProcessSize.median(sizes, 3);
    return String.format(Locale.ROOT, "| %s | %d s | %d | %d | %d | %d | %d | %.1f, %.1f | %.1f | %d, %d |",
        subject.name(), seconds, ordered.size() - ended, ended, refused.values().stream().mapToInt(i -> i).sum(),
        operations, kept.size(), ordered.get(ordered.size() / 2) / 1000.0, ordered.getLast() / 1000.0,
        pageBytes / (double) MILLION, second.rssKb() >> 10, last.rssKb() >> 10);
  }

  Map<String, Integer> refused() {
    return refused;
  }

  List<ProcessSize> sizes() {
    return sizes;
  }

  private static void remove(Path image) throws IOException {
    emptied(image);
    Files.delete(image);
  }

  private static void emptied(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.filter(file -> !file.equals(folder)).sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  private static void run(String... command) throws IOException {
    Process process = new ProcessBuilder(command).inheritIO().start();
    try {
      assertThat(process.waitFor(BOUND.toSeconds(), TimeUnit.SECONDS)).as(command[0]).isTrue();
      assertThat(process.exitValue()).as(String.join(" ", command)).isZero();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while " + command[0] + " worked", e);
    } finally {
      process.destroyForcibly();
    }
  }

  @Override
  public void close() {
    cycle.close();
  }
}
