package stasis.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import stasis.engine.Practice;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Fd;
import stasis.linux.peer.OwnProcess;

/// Warms up and rests, for good: an image is made of it, and a process that is started from that image goes on here, as
/// the command that its own words say. docs/designs/warm-start.md. Hidden, because it is of no use to people.
@Command(name = "standby", hidden = true, description = "Warm up, and wait to be made a start-up image of.")
final class StandbyVerb implements Callable<Integer> {
  /// What it is asked to see whether it comes up: it says the same.
  static final String AWAKE = "awake";
  static final String NEVER = "STASIS_WARM=never";
  /// Up to here descriptors are taken when it starts, so that none of its own has a number that a caller may use.
  static final int LAST_TAKEN_FD = 199;

  /// After these hardly anything is left to compile.
  static final int ROUNDS = 72;
  private static final int ROUNDS_AFTER = 12;
  private static final long COMPILERS_END_MS = 1500;
  private static final int STDERR = 2;

  private final Session session;

  @Option(names = "--rounds", description = "Rounds of the warm-up.")
  private int rounds = ROUNDS;

  StandbyVerb(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    OwnProcess.endWithParent();
    Practice practice = Practice.kept();
    WarmUp.run(session, practice, rounds, false);
    practice.rest();
    System.gc();
    // After a collection each method is looked at when it is next entered.
    WarmUp.run(session, practice, ROUNDS_AFTER, false);
    practice.rest();
    Thread.sleep(COMPILERS_END_MS);
    Surroundings before = Surroundings.of(OwnStart.SELF).ofRights();
    Map<String, String> environment = Caller.relevant(System.getenv());
    OwnProcess.close(new Fd(STDERR + 1), new Fd(LAST_TAKEN_FD));
    OwnProcess.rest();
    return awake(practice, before, environment);
  }

  private int awake(Practice practice, Surroundings before, Map<String, String> environment) throws IOException {
    OwnStart start = OwnStart.read();
    if (start.plainWords().equals(List.of(AWAKE))) {
      session.console().out().println(AWAKE);
      return ExitStatus.DONE.code();
    }
    try {
      return run(start, practice, before, environment);
    } catch (NotServedException e) {
      return cold(start);
    }
  }

  private int run(OwnStart start, Practice practice, Surroundings before, Map<String, String> environment)
      throws IOException {
    Map<String, String> variables = start.variables();
    if (!start.isPlain() || !Caller.relevant(variables).equals(environment)
        || before.difference(Surroundings.of(OwnStart.SELF).ofRights()).isPresent()) {
      throw new NotServedException("it is not as when the start-up image was made");
    }
    PlainLine line = PlainLine.of(start.plainWords().toArray(String[]::new))
        .filter(plain -> !plain.has("--lazy") && !plain.has("--track"))
        .orElseThrow(() -> new NotServedException("another line")).at(OwnStart.directory());
    Console console = Console.ofThisProcess(variables);
    Session own = new Session(console, new LibraryEngine(Build.version(), practice, Optional.empty()),
        session.cancellation(), session.relaySignals(), session.leave());
    Callable<Integer> request = line.request(own).orElseThrow(() -> new NotServedException("a line to complain of"));
    int status;
    try {
      status = request.call();
    } catch (Exception problem) {
      status = Line.failed(own, line.verb(), problem);
    }
    console.out().flush();
    return status;
  }

  /// Nothing is done yet: the ordinary command does it.
  private int cold(OwnStart start) {
    String command = WarmVerb.cold();
    List<Bytes> words = new ArrayList<>(List.of(text(command)));
    words.addAll(start.words());
    List<Bytes> environment = new ArrayList<>(List.of(text(NEVER)));
    environment.addAll(start.environment());
    long errno = OwnProcess.become(text(command), words, environment);
    session.console().say(command + " cannot be run: errno " + -errno);
    return ExitStatus.RESTORE_FAILED.code();
  }

  private static Bytes text(String text) {
    return Bytes.of(text.getBytes(StandardCharsets.UTF_8));
  }
}
