package stasis.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import stasis.engine.FilePolicy;
import stasis.engine.LateFill;
import stasis.engine.Place;
import stasis.engine.RestoreRequest;
import stasis.kinds.AddressMap;

/// Runs what the other verbs are made of, into nowhere: the training run from which the launcher makes its start-up
/// cache. Hidden, because it is of no use to people.
@Command(name = "rehearse", hidden = true, description = "Training run for the start-up cache.")
final class RehearseVerb implements Callable<Integer> {
  private static final int SIGKILL = 9;

  private final Session session;

  RehearseVerb(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    PrintStream nowhere = new PrintStream(OutputStream.nullOutputStream());
    Console mute = new Console(nowhere, nowhere, false, false);
    Session rehearsal = new Session(mute, session.engine(), session.cancellation(), _ -> {});
    for (String line : new String[] {"--help", "--version", "doctor", "doctor --json", "checkpoint --help",
        "restore --help", "inspect /nonexistent", "explain x", "restore /nonexistent --dry-run"}) {
      Line.run(rehearsal, line.split(" "));
    }
    Path folder = Files.createTempDirectory("stasis-rehearsal");
    try {
      carry(rehearsal, folder);
      carryLate(rehearsal, folder);
    } finally {
      Folders.delete(folder);
    }
    return ExitStatus.DONE.code();
  }

  /// A sleeper there and back. That it may be refused here, without permissions, is no failure of the rehearsal.
  private static void carry(Session rehearsal, Path folder) throws IOException, InterruptedException {
    try (DemoTarget sleeper = DemoTarget.start(List.of("sleep", "600"), folder, folder.resolve("output"))) {
      Path image = folder.resolve("image");
      String pid = Integer.toString(sleeper.pid().value());
      Line.run(rehearsal, "explain", pid);
      String repository = folder.resolve("repository").toString();
      Line.run(rehearsal, "checkpoint", pid, "--repo", repository, "--name", "sleep", "--leave-running");
      Line.run(rehearsal, "inspect", "sleep@1", "--repo", repository);
      Line.run(rehearsal, "log", "--repo", repository);
      Line.run(rehearsal, "restore", "sleep@1", "--repo", repository, "--dry-run");
      if (Line.run(rehearsal, "checkpoint", pid, "--image", image.toString()) == ExitStatus.DONE.code()) {
        Line.run(rehearsal, "inspect", image.toString());
        Line.run(rehearsal, "restore", image.toString(), "--dry-run");
        bringBack(rehearsal, image, Optional.empty());
      }
    }
  }

  /// A program with enough memory to be tracked, and to come late; where there is no Perl, that is left out.
  private static void carryLate(Session rehearsal, Path folder) throws IOException, InterruptedException {
    try (DemoTarget large = DemoTarget.start(List.of("perl", "-e", "$x = 'x' x 4e6; sleep 600"), folder,
        folder.resolve("output"))) {
      String pid = Integer.toString(large.pid().value());
      String repository = folder.resolve("repository").toString();
      for (int time = 0; time < 2; time++) {
        Line.run(rehearsal, "checkpoint", pid, "--repo", repository, "--name", "large", "--leave-running", "--track");
      }
      Line.run(rehearsal, "untrack", pid);
      Path image = folder.resolve("large");
      if (Line.run(rehearsal, "checkpoint", pid, "--image", image.toString()) == ExitStatus.DONE.code()) {
        bringBack(rehearsal, image, Optional.of(new RestoreRequest.Lazily(Optional.empty())));
      }
    }
  }

  private static void bringBack(Session rehearsal, Path image, Optional<RestoreRequest.Lazily> lazily)
      throws InterruptedException {
    Engine.RestoreOrder order = new Engine.RestoreOrder(new ImageAt.Folder(image), false, false, AddressMap.NONE,
        lazily, Place.ANY, FilePolicy.REFUSE);
    if (rehearsal.engine().restore(order, new Verbosity().progress(rehearsal))
        instanceof Engine.Outcome.Done<Engine.Restored>(Engine.Restored restored)) {
      restored.late().ifPresent(LateFill::await);
      restored.program().signal(SIGKILL);
      restored.program().await();
    }
  }
}
