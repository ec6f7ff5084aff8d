package stasis.live;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import stasis.engine.Acceptance;
import stasis.engine.CheckpointOutcome;
import stasis.engine.CheckpointRequest;
import stasis.engine.Checkpointer;
import stasis.engine.Environment;
import stasis.engine.FilePolicy;
import stasis.engine.Judgement;
import stasis.engine.LiveEnvironment;
import stasis.engine.Place;
import stasis.engine.RestoreOutcome;
import stasis.engine.RestoreRequest;
import stasis.engine.Restorer;
import stasis.image.Certificate;
import stasis.image.DecodeException;
import stasis.image.Limits;
import stasis.image.Statefile;
import stasis.kinds.Kinds;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.procfs.ProcException;
import stasis.repository.ImageException;
import stasis.repository.ImageReader;

/// An engine of whatever user starts it: `checkpoint PID IMAGE`, `prove PID IMAGE` with a certificate, `restore PLACE
/// IMAGE`, `judge PLACE IMAGE`, or `carry PLACE IMAGE PID`, which is both. Says in one line how it went.
final class FreshUserEngine {
  private static final long FREE_WITHIN_NS = 20_000_000_000L;
  private static final int TRIES = 5;

  private FreshUserEngine() {}

  public static void main(String[] arguments) throws IOException {
    Environment environment = LiveEnvironment.of("test");
    String verb = arguments[0];
    if (verb.equals("prove")) {
      prove(environment, new Tid(Integer.parseInt(arguments[1])), Path.of(arguments[2]));
    }
    if (verb.equals("judge")) {
      judge(environment, Path.of(arguments[2]), Place.valueOf(arguments[1]));
    }
    boolean stored = verb.equals("restore")
        || stored(environment, Integer.parseInt(arguments[verb.equals("carry") ? 3 : 1]), Path.of(arguments[2]));
    if (stored && verb.equals("carry")) {
      awaitFree(Integer.parseInt(arguments[3]));
    }
    if (stored && !verb.equals("checkpoint")) {
      say(new Restorer(Kinds.all(), environment).restore(new RestoreRequest(
          () -> ImageReader.open(Path.of(arguments[2])), false, Acceptance.ALL, Optional.empty(),
          Place.valueOf(arguments[1]), FilePolicy.REFUSE), _ -> { }));
    }
    // Not by the end of this thread: what was restored lives on.
    System.exit(0);
  }

  /// What a pane prints at this moment may stand in its terminal, which refuses: then once more.
  private static boolean stored(Environment environment, int pid, Path image) {
    for (int tries = 1;; tries++) {
      CheckpointOutcome outcome = new Checkpointer(Kinds.all(), environment).checkpoint(
          new CheckpointRequest(new Tid(pid), image, false, false, false, Optional.empty()), _ -> { });
      if (outcome instanceof CheckpointOutcome.Stored) {
        return true;
      }
      if (tries == TRIES) {
        System.out.println(Cycle.text(outcome));
        return false;
      }
    }
  }

  /// Ends this process.
  private static void prove(Environment environment, Tid pid, Path image) throws IOException {
    CheckpointOutcome outcome = new Checkpointer(Kinds.all(), environment).checkpoint(
        new CheckpointRequest(pid, image, true, false, false, Optional.empty()).proved(ProofProcess.command()),
        _ -> { });
    try (ImageReader reader = ImageReader.open(image)) {
      System.out.println("proved " + Certificate.decode(reader.certificate().orElseThrow(), Limits.DEFAULT).tasks());
    } catch (ImageException | DecodeException e) {
      System.out.println(Cycle.text(outcome));
    }
    System.exit(0);
  }

  /// Ends this process. What can-restore says: obstacles, then what it would take.
  private static void judge(Environment environment, Path image, Place place) throws IOException {
    try (ImageReader reader = ImageReader.open(image)) {
      Judgement judgement = Judgement.here(Kinds.all(), environment,
          Statefile.decode(reader.metadata(), reader.pageBytes(), Limits.DEFAULT), reader, FilePolicy.REFUSE, place);
      judgement.obstacles().forEach(obstacle -> System.out.println("no: " + obstacle.text()));
      judgement.told().forEach(System.out::println);
    } catch (ImageException | DecodeException | SyscallException | ProcException e) {
      System.out.println(e);
    }
    System.exit(0);
  }

  private static void awaitFree(int pid) {
    long end = System.nanoTime() + FREE_WITHIN_NS;
    while (Files.exists(Path.of("/proc/" + pid)) && System.nanoTime() < end) {
      LockSupport.parkNanos(1_000_000);
    }
  }

  private static void say(RestoreOutcome outcome) {
    System.out.println(outcome instanceof RestoreOutcome.Running running
        ? "running " + running.root() + " as " + running.pid() : Cycle.text(outcome));
  }
}
