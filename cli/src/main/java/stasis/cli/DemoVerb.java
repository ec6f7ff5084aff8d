package stasis.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import stasis.cli.Engine.CheckpointOrder;
import stasis.cli.Engine.Checkpointed;
import stasis.cli.Engine.Outcome;
import stasis.cli.Engine.RestoreOrder;
import stasis.kinds.AddressMap;
import stasis.kinds.Outside;
import stasis.cli.Engine.Restored;
import stasis.cli.Engine.Running;

@Command(name = "demo",
    description = "Freeze a real program half-way, end it, bring it back, and compare its result with an undisturbed"
        + " run.",
    footer = {"", "Example: stasis demo"})
final class DemoVerb implements Callable<Integer> {
  private static final long POLL_MS = 50;
  private static final long GONE_WITHIN_MS = 5_000;
  private static final long LONGEST_RUN_MS = 600_000;

  private final Session session;

  @Option(names = "--program", paramLabel = "PROGRAM", description = "${COMPLETION-CANDIDATES}; default what is there.")
  private Optional<DemoProgram> wanted = Optional.empty();
  @Option(names = "--size", paramLabel = "N",
      description = "Digits, or bytes of input; default some ten seconds' work.")
  private Optional<Integer> wantedSize = Optional.empty();
  @Mixin private Verbosity verbosity = new Verbosity();

  DemoVerb(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    Optional<DemoProgram> program = wanted.or(() -> Stream.of(DemoProgram.values())
        .filter(DemoProgram::installed).findFirst());
    if (program.isEmpty()) {
      session.console().say("the demo needs python3 or xz; install one of them");
      return ExitStatus.FAILED.code();
    }
    Path folder = Files.createTempDirectory("stasis-demo");
    try {
      return run(program.get(), wantedSize.orElse(program.get().defaultSize()), folder).code();
    } finally {
      Folders.delete(folder);
    }
  }

  private ExitStatus run(DemoProgram program, int size, Path folder) throws IOException, InterruptedException {
    List<String> command = program.prepare(folder, size);
    title("1. An undisturbed run: " + program.title());
    Path expected = folder.resolve("expected");
    try (DemoTarget target = DemoTarget.start(command, folder, expected)) {
      long began = System.nanoTime();
      watch(expected, Long.MAX_VALUE, target::running);
      if (session.cancellation().requested()) {
        return ExitStatus.CANCELLED;
      }
      OptionalInt status = target.await(LONGEST_RUN_MS);
      if (status.orElse(1) != 0) {
        session.console().say(program + (status.isPresent() ? " ended with status " + status.getAsInt() : " hangs"));
        return ExitStatus.FAILED;
      }
      say("%s took %s and wrote %s".formatted(program, Units.duration(System.nanoTime() - began),
          Units.bytes(Files.size(expected))));
    }

    title("2. The same again, frozen half-way");
    Path output = folder.resolve("output");
    Path image = folder.resolve("image");
    try (DemoTarget target = DemoTarget.start(command, folder, output)) {
      say("pid " + target.pid().value() + ": " + String.join(" ", command));
      watch(output, Files.size(expected) / 2, target::running);
      if (session.cancellation().requested()) {
        return ExitStatus.CANCELLED;
      }
      Optional<ExitStatus> problem = checkpoint(target, image);
      if (problem.isPresent()) {
        return problem.get();
      }
    }

    title("3. Brought back");
    return restore(image, output, expected);
  }

  private Optional<ExitStatus> checkpoint(DemoTarget target, Path image) throws IOException, InterruptedException {
    Progress progress = verbosity.progress(session);
    Outcome<Checkpointed> outcome = session.engine().checkpoint(
        new CheckpointOrder(target.pid(), new ImageAt.Folder(image), false, false, false, Optional.empty(),
            Outside.REFUSED), progress);
    progress.finish();
    if (!(outcome instanceof Outcome.Done<Checkpointed>(Checkpointed result))) {
      return Optional.of(Report.of(session.console(), new JsonOption()).unsuccessful(outcome));
    }
    say("frozen for %s, image of %s (pages %s) after %s".formatted(Units.duration(result.frozenNs()),
        Units.bytes(result.figures().imageBytes()), Units.bytes(result.figures().pageBytes()),
        Units.duration(result.figures().totalNs())));
    session.console().out().print(LossTable.render(result.figures().losses(), verbosity.verbose()).indent(2));
    target.await(GONE_WITHIN_MS);
    if (DemoTarget.exists(target.pid())) {
      session.console().say("pid " + target.pid().value() + " is still there after its checkpoint");
      return Optional.of(ExitStatus.FAILED);
    }
    say("pid " + target.pid().value() + " is gone");
    return Optional.empty();
  }

  private ExitStatus restore(Path image, Path output, Path expected) throws IOException, InterruptedException {
    Progress progress = verbosity.progress(session);
    Outcome<Restored> outcome = session.engine().restore(new RestoreOrder(new ImageAt.Folder(image), false, false,
        AddressMap.NONE), progress);
    progress.finish();
    if (!(outcome instanceof Outcome.Done<Restored>(Restored result))) {
      return Report.of(session.console(), new JsonOption()).unsuccessful(outcome);
    }
    Running running = result.program();
    session.cancellation().onRequest(() -> running.signal(9));
    say("pid %d runs again after %s; %s of %s written".formatted(running.pid().value(),
        Units.duration(result.restoreNs()), Units.bytes(Files.size(output)), Units.bytes(Files.size(expected))));
    int status = running.await();
    if (session.cancellation().requested()) {
      return ExitStatus.CANCELLED;
    }
    if (status != 0) {
      session.console().say("the restored program ended with status " + status);
      return ExitStatus.FAILED;
    }
    long difference = Files.mismatch(expected, output);
    if (difference >= 0) {
      session.console().say("its result differs from the undisturbed run's at byte " + difference);
      return ExitStatus.FAILED;
    }
    say("it finished; %s of result, identical to the undisturbed run's"
        .formatted(Units.bytes(Files.size(output))));
    return ExitStatus.DONE;
  }

  /// Shows progress until the output is so long, or the program has ended, or the user has had enough.
  private void watch(Path output, long untilBytes, BooleanSupplier running) throws IOException, InterruptedException {
    boolean terminal = session.console().errIsTerminal() && !verbosity.quiet();
    while (running.getAsBoolean() && Files.size(output) < untilBytes && !session.cancellation().requested()) {
      if (terminal) {
        session.console().err().print("\r  " + Units.bytes(Files.size(output)) + "\u001b[K");
        session.console().err().flush();
      }
      Thread.sleep(POLL_MS);
    }
    if (terminal) {
      session.console().err().print("\r\u001b[K");
      session.console().err().flush();
    }
  }

  private void title(String text) {
    session.console().out().println(session.console().paint("1", text));
  }

  private void say(String text) {
    session.console().out().println("  " + text);
  }
}
