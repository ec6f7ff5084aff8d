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
  private static final String AGAIN = "STASIS_WARM=again";
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
    // What is edited from here on is another source than that of the classes that run here.
    Sources sources = Sources.of(Path.of(System.getProperty(Installation.PROPERTY, "/")));
    Practice practice = Practice.kept();
    warmUp(practice, sources, rounds);
    System.gc();
    // After a collection each method is looked at when it is next entered.
    warmUp(practice, sources, ROUNDS_AFTER);
    Thread.sleep(COMPILERS_END_MS);
    Surroundings before = Surroundings.of(OwnStart.SELF).ofRights();
    Map<String, String> environment = Caller.relevant(StatusFd.without(System.getenv()));
    OwnProcess.close(new Fd(STDERR + 1), new Fd(LAST_TAKEN_FD));
    OwnProcess.rest();
    return awake(new Rested(practice, before, environment, sources));
  }

  private void warmUp(Practice practice, Sources sources, int rounds) {
    WarmUp.run(session, practice, rounds, false);
    practice.rest();
    for (int round = 0; round < rounds; round++) {
      sources.areSame();
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
      return run(start, rested);
    } catch (NotServedException e) {
      return cold(start, NEVER);
    }
  }

  private int run(OwnStart start, Rested rested) throws IOException {
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
    int status = call(request, own, line);
    console.out().flush();
    StatusFd.of(variables).ifPresent(waiting -> waiting.say(status));
    return status;
  }

  private static int call(Callable<Integer> request, Session own, PlainLine line) {
    try {
      return request.call();
    } catch (Exception problem) {
      return Line.failed(own, line.verb(), problem);
    }
  }

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
