package stasis.live;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import stasis.engine.CheckpointOutcome;
import stasis.engine.CheckpointRequest;
import stasis.engine.Checkpointer;
import stasis.engine.Environment;
import stasis.engine.LiveEnvironment;
import stasis.engine.RestoreOutcome;
import stasis.engine.RestoreRequest;
import stasis.engine.Restorer;
import stasis.kinds.Kinds;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;
import stasis.resource.Obstacle;
import stasis.testkit.Oracle;
import stasis.testkit.Victim;

/// Carries a victim through checkpoint, death and restore at each of its labels, with the oracle looking on. A label
/// `refused` is one at which the checkpoint must be refused and the victim go on.
final class Carrier {
  private static final Duration LABEL = Duration.ofSeconds(30);
  private static final String REFUSED = "refused";
  private static final int WNOHANG = 1;

  private final Path images;
  private final Environment environment;
  private final Oracle oracle;
  private final List<String> refusals = new ArrayList<>();

  /// @param images folder for statefiles
  Carrier(Path images) {
    this.images = images;
    this.oracle = new Oracle(Path.of(".."), images);
    try {
      this.environment = LiveEnvironment.of("test");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// What was said at each label `refused`.
  List<String> refusals() {
    return List.copyOf(refusals);
  }

  /// @return what the victim says in the end
  Victim.Verdict carry(Victim victim) {
    Set<String> done = new HashSet<>();
    long end = System.nanoTime() + LABEL.toNanos();
    while (true) {
      Optional<String> label = victim.lines().stream().filter(line -> line.startsWith("READY "))
          .map(line -> line.split(" ")[1]).filter(name -> !done.contains(name)).findFirst();
      if (label.isPresent()) {
        done.add(label.get());
        if (label.get().equals(REFUSED)) {
          refuse(victim);
        } else {
          checkpointAndRestore(victim, label.get());
        }
        victim.go(label.get());
        end = System.nanoTime() + LABEL.toNanos();
      }
      Victim.Verdict verdict = victim.verdict(Duration.ZERO);
      if (!(verdict instanceof Victim.Verdict.Pending) || System.nanoTime() > end) {
        Syscalls.call(Nr.WAIT4, victim.pid().value(), 0, WNOHANG, 0);
        return verdict;
      }
    }
  }

  private CheckpointOutcome checkpoint(Victim victim, Path image) {
    return new Checkpointer(Kinds.all(), environment).checkpoint(
        new CheckpointRequest(victim.pid(), image, false, false, false, Optional.empty()), _ -> {});
  }

  private void refuse(Victim victim) {
    Path image = images.resolve(REFUSED);
    switch (checkpoint(victim, image)) {
      case CheckpointOutcome.Refused(var obstacles, _) ->
          refusals.addAll(obstacles.stream().map(Obstacle::text).toList());
      case CheckpointOutcome other -> throw new AssertionError("not refused: " + other);
    }
    if (Files.exists(image)) {
      throw new AssertionError("a refused checkpoint left " + image);
    }
  }

  private void checkpointAndRestore(Victim victim, String label) {
    Path image = images.resolve(label);
    victim.awaitAsleep(LABEL);
    Path before = oracle.snapshot(victim.pid());
    if (!(checkpoint(victim, image) instanceof CheckpointOutcome.Stored)) {
      throw new AssertionError("checkpoint at " + label + ": " + checkpoint(victim, image));
    }
    // Killed, it is its foster's to bury, or ours after an earlier restore.
    Syscalls.call(Nr.WAIT4, victim.pid().value(), 0, 0, 0);
    victim.awaitPidFree(LABEL);
    RestoreOutcome outcome = new Restorer(Kinds.all(), environment).restore(new RestoreRequest(image, false), _ -> {});
    if (!(outcome instanceof RestoreOutcome.Running)) {
      throw new AssertionError("restore at " + label + ": " + outcome);
    }
    victim.awaitAsleep(LABEL);
    Oracle.Comparison comparison = oracle.compare(before, oracle.snapshot(victim.pid()));
    if (!comparison.agrees()) {
      throw new AssertionError("restored at " + label + " it differs: " + comparison.lines());
    }
  }
}
