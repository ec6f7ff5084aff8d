package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import stasis.engine.CheckpointOutcome;
import stasis.engine.CheckpointReport;
import stasis.engine.CheckpointRequest;
import stasis.engine.Checkpointer;
import stasis.engine.DeadlineOrder;
import stasis.engine.EmbedOrder;
import stasis.engine.Environment;
import stasis.engine.RestoreOutcome;
import stasis.engine.RestoreRequest;
import stasis.engine.Restorer;
import stasis.engine.TrackOrder;
import stasis.kinds.Kinds;
import stasis.repository.AheadPages;
import stasis.repository.CheckpointName;
import stasis.repository.EarlierPages;
import stasis.repository.ImageContent;
import stasis.repository.ImageDestination;
import stasis.repository.ImageException;
import stasis.repository.ImageWriter;
import stasis.repository.PageSink;
import stasis.repository.Repository;
import stasis.resource.Obstacle;
import stasis.testkit.Launcher.Program;
import stasis.testkit.Oracle;
import stasis.testkit.Victim;

/// Checkpoints against the clock, in a store that is as slow as is said. The clock goes on by what is stored, so that
/// nothing here depends on how fast this machine is.
@Timeout(120)
final class DeadlineTest {
  private static final long S = 1_000_000_000L;
  private static final int MIB = 96;

  private final Victims victims = new Victims();
  private final AtomicLong aheadNs = new AtomicLong();

  /// Takes time for what it takes.
  private record SlowSink(PageSink fast, AtomicLong aheadNs, long bytesPerSecond) implements PageSink {
    @Override
    public long position() {
      return fast.position();
    }

    @Override
    public MemorySegment room() throws ImageException {
      return fast.room();
    }

    @Override
    public void filled(long lengthBytes) throws ImageException {
      aheadNs.addAndGet(lengthBytes * S / bytesPerSecond);
      fast.filled(lengthBytes);
    }

    @Override
    public void close() {
      fast.close();
    }
  }

  private record SlowAhead(AheadPages fast, AtomicLong aheadNs, long bytesPerSecond) implements AheadPages {
    @Override
    public PageSink pages() {
      return new SlowSink(fast.pages(), aheadNs, bytesPerSecond);
    }

    @Override
    public EarlierPages finish() throws ImageException {
      return fast.finish();
    }

    @Override
    public void close() {
      fast.close();
    }
  }

  private record SlowWriter(ImageWriter fast, AtomicLong aheadNs, long bytesPerSecond) implements ImageWriter {
    @Override
    public Optional<AheadPages> ahead(ImageContent told) throws ImageException {
      return fast.ahead(told).map(pages -> new SlowAhead(pages, aheadNs, bytesPerSecond));
    }

    @Override
    public void writeMetadata(ImageContent content) throws ImageException {
      fast.writeMetadata(content);
    }

    @Override
    public PageSink pages() {
      return new SlowSink(fast.pages(), aheadNs, bytesPerSecond);
    }

    @Override
    public <X extends Exception> long commit(Check<X> check) throws X, ImageException {
      return fast.commit(check);
    }

    @Override
    public String title() {
      return fast.title();
    }

    @Override
    public void close() throws ImageException {
      fast.close();
    }
  }

  private CheckpointOutcome checkpoint(Cycle cycle, Victim victim, Path repository, long seconds, boolean goOn,
      long mebibytesPerSecond) {
    Environment real = cycle.environment();
    ImageDestination fast = Repository.destination(repository, "it");
    ImageDestination slow = listener -> new SlowWriter(fast.begin(listener), aheadNs, mebibytesPerSecond << 20);
    Environment environment = new Environment(real.proc(), () -> real.monotonicNs().getAsLong() + aheadNs.get(),
        real.boottimeNs(), real.realtimeNs(), real.kernelRelease(), real.bootId(), real.hostName(),
        real.engineVersion());
    return new Checkpointer(Kinds.all(), environment).checkpoint(new CheckpointRequest(victim.pid(), slow, false, false,
        Optional.empty(), TrackOrder.OFF, 10, EmbedOrder.NONE, Optional.of(new DeadlineOrder(seconds * S, 0, goOn))),
        _ -> { });
  }

  private static CheckpointReport stored(CheckpointOutcome outcome) {
    assertThat(outcome).as(Cycle.text(outcome)).isInstanceOf(CheckpointOutcome.Stored.class);
    return ((CheckpointOutcome.Stored) outcome).report();
  }

  private static void comesBack(Cycle cycle, Victim victim, Path repository, String label) {
    victim.awaitPidFree(Cycle.BOUND);
    RestoreOutcome restored = cycle.noted(new Restorer(Kinds.all(), cycle.environment()).restore(new RestoreRequest(
        Repository.origin(repository, CheckpointName.parse("it@1").orElseThrow()), false), _ -> { }));
    assertThat(restored).as(Cycle.text(restored)).isInstanceOf(RestoreOutcome.Running.class);
    victim.go(label);
    assertThat(victim.verdict(Cycle.BOUND)).as(victim.errors()).isEqualTo(new Victim.Verdict.Passed());
    cycle.reap(victim.pid());
  }

  @Test
  void aProgramThatWritesAllTheTimeIsThereInTimeAndOfOneMoment(@TempDir Path work) {
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = cycle.start(victims.program("rewriting"));
      victim.awaitReady("rewriting", Cycle.BOUND);
      Path repository = work.resolve("repository");

      CheckpointReport report = stored(checkpoint(cycle, victim, repository, 1000, false, 1000));

      assertThat(report.deadline().orElseThrow().leftNs()).isPositive();
      assertThat(report.preCopied().orElseThrow().rounds()).isNotEmpty();
      assertThat(report.preCopied().orElseThrow().lastBytes())
          .isLessThan(report.preCopied().orElseThrow().rounds().getFirst().readBytes());
      comesBack(cycle, victim, repository, "rewriting");
    }
  }

  @Test
  void aStoreThatIsTooSlowIsToldWithNumbersBeforeMostIsWrittenAndTheProgramRunsOn(@TempDir Path work)
      throws IOException {
    assumeTrue(Oracle.isAvailable(), "needs python3");
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = large(cycle);
      Path before = cycle.oracle().snapshot(victim.pid());
      Path repository = work.resolve("repository");

      CheckpointOutcome outcome = checkpoint(cycle, victim, repository, 25, false, 1);

      assertThat(outcome).as(Cycle.text(outcome)).isInstanceOfSatisfying(CheckpointOutcome.Refused.class, refused ->
          assertThat(refused.obstacles()).singleElement().extracting(Obstacle::text).asString().contains(
              "task " + victim.pid(), "cannot be there within 25.0 s", "MiB/s", "it runs on and nothing was stored",
              "--if-late=go-on"));
      assertThat(aheadNs.get()).as("given up before all is written").isLessThan((MIB - 10) * S);
      Ground.isUntouched(cycle, victim, before);
      try (Stream<Path> checkpoints = Files.list(repository.resolve("checkpoints"))) {
        assertThat(checkpoints).isEmpty();
      }
      victim.go("large");
      assertThat(victim.verdict(Cycle.BOUND)).isEqualTo(new Victim.Verdict.Passed());
    }
  }

  @Test
  void whoGoesOnIsToldAndHasTheImageLate(@TempDir Path work) {
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = large(cycle);
      Path repository = work.resolve("repository");

      CheckpointReport report = stored(checkpoint(cycle, victim, repository, 25, true, 1));

      assertThat(report.warnings()).anyMatch(told -> told.contains("cannot be there within 25.0 s")
          && told.contains("went on"));
      assertThat(report.deadline().orElseThrow().leftNs()).isNegative();
      comesBack(cycle, victim, repository, "large");
    }
  }

  private Victim large(Cycle cycle) {
    Victim victim = cycle.start(Program.of(victims.program("still").program(), Integer.toString(MIB)));
    victim.awaitReady("large", Cycle.BOUND);
    return victim;
  }
}
