package stasis.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
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
  /// The same, and the launcher is to have another image made.
  static final String AGAIN = "STASIS_WARM=again";
  /// Up to here descriptors are taken when it starts, so that none of its own has a number that a caller may use.
  static final int LAST_TAKEN_FD = 199;

  /// After these hardly anything is left to compile.
  static final int ROUNDS = 72;
  private static final int ROUNDS_AFTER = 12;
  /// Each is read, and what it asks for is made ready, in every round: a start does that first of all.
  private static final List<List<String>> LINES = List.of(
      List.of("checkpoint", "1", "--image", "image", "--leave-running", "--force", "--quiet"),
      List.of("restore", "image", "--detach", "--quiet"));
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
    // What is edited from here on is another source than that of the classes that run here.
    Sources sources = Sources.of(Path.of(System.getProperty(Installation.PROPERTY, "/")));
    Practice practice = Practice.kept();
    Rested rested = new Rested(practice, Surroundings.of(OwnStart.SELF).ofRights(),
        Caller.relevant(StatusFd.without(System.getenv())), sources);
    warmUp(rested, rounds);
    System.gc();
    // After a collection each method is looked at when it is next entered.
    warmUp(rested, ROUNDS_AFTER);
    Nursery.clean();
    Thread.sleep(COMPILERS_END_MS);
    OwnProcess.close(new Fd(STDERR + 1), new Fd(LAST_TAKEN_FD));
    OwnProcess.rest();
    return awake(rested);
  }

  private void warmUp(Rested rested, int rounds) throws IOException {
    WarmUp.run(session, rested.practice(), rounds, true);
    rested.practice().rest();
    for (int round = 0; round < rounds; round++) {
      rested.sources().areSame();
      for (List<String> line : LINES) {
        OwnStart start = OwnStart.read();
        asked(new OwnStart(line.stream().map(StandbyVerb::text).toList(), start.environment()), rested);
      }
    }
  }

  /// What this process knew when it came to rest.
  private record Rested(Practice practice, Surroundings surroundings, Map<String, String> environment,
      Sources sources) {}

  private int awake(Rested rested) throws IOException {
    OwnStart start = OwnStart.read();
    if (start.plainWords().equals(List.of(AWAKE))) {
      session.console().out().println(AWAKE);
      return ExitStatus.DONE.code();
    }
    if (rested.sources().areAsked(start.variables()) && !rested.sources().areSame()) {
      return cold(start, rested.sources().areKnown() ? AGAIN : NEVER);
    }
    try {
      // A JVM that ends as it should stops its threads first, for 2 ms; nobody waits for them.
      return OwnProcess.end(run(start, rested));
    } catch (NotServedException e) {
      return cold(start, NEVER);
    }
  }

  private int run(OwnStart start, Rested rested) throws IOException {
    Asked asked = asked(start, rested);
    int status;
    try {
      status = asked.request().call();
    } catch (Exception problem) {
      status = Line.failed(asked.session(), start.plainWords().getFirst(), problem);
    }
    asked.session().console().out().flush();
    Optional<StatusFd> waiting = StatusFd.of(start.variables());
    if (waiting.isPresent()) {
      waiting.get().say(status);
    }
    return status;
  }

  /// What the command line asks for, as this process is now. Nothing is done yet.
  private Asked asked(OwnStart start, Rested rested) throws IOException {
    Map<String, String> variables = start.variables();
    if (!start.isPlain() || !Caller.relevant(StatusFd.without(variables)).equals(rested.environment())
        || rested.surroundings().difference(Surroundings.of(OwnStart.SELF).ofRights()).isPresent()) {
      throw new NotServedException("it is not as when the start-up image was made");
    }
    PlainLine line = PlainLine.of(start.plainWords().toArray(String[]::new))
        .orElseThrow(() -> new NotServedException("another line")).at(OwnStart.directory());
    Console console = Console.ofThisProcess(variables);
    Session own = new Session(console, new LibraryEngine(Build.version(), rested.practice(), Optional.empty()),
        session.cancellation(), session.relaySignals(), () -> StatusFd.leave(console, variables));
    Callable<Integer> request = line.request(own).orElseThrow(() -> new NotServedException("a line to complain of"));
    return new Asked(request, own);
  }

  private record Asked(Callable<Integer> request, Session session) {}

  /// Nothing is done yet: the ordinary command does it.
  private int cold(OwnStart start, String warm) {
    String command = WarmVerb.cold();
    List<Bytes> words = new ArrayList<>(List.of(text(command)));
    words.addAll(start.words());
    List<Bytes> environment = new ArrayList<>(List.of(text(warm)));
    environment.addAll(start.environment());
    long errno = OwnProcess.become(text(command), words, environment);
    session.console().say(command + " cannot be run: errno " + -errno);
    return ExitStatus.RESTORE_FAILED.code();
  }

  private static Bytes text(String text) {
    return Bytes.of(text.getBytes(StandardCharsets.UTF_8));
  }
}
