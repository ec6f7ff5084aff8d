package stasis.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import stasis.cli.Engine.CheckpointOrder;
import stasis.cli.Engine.Outcome;
import stasis.engine.EmbedOrder;
import stasis.engine.Redaction;
import stasis.engine.TrackOrder;
import stasis.kinds.Outside;
import stasis.kinds.TcpPeers;
import stasis.repository.ImageException;

@Command(name = "checkpoint",
    description = "Freeze a running program and write it to a folder; then end it, or let it run on.",
    footer = {"", "Examples: stasis checkpoint 4711 --image DIR",
        "          stasis checkpoint 4711 --repo R --name redis --leave-running",
        "          stasis checkpoint 4711 --repo R --name redis --leave-running --track",
        "          stasis checkpoint 4711 --repo R --name redis --pre-copy",
        "          stasis checkpoint 4711 --repo R --name redis --leave-running --verify",
        "          stasis checkpoint 4711 --repo R --name redis --embed-files",
        "          stasis checkpoint 4711 --repo R --name redis --deadline 25s",
        "          stasis checkpoint 4711 --leave-running --image - | ssh HOST stasis restore --image -"})
final class CheckpointVerb implements Callable<Integer> {
  private static final int MIB_SHIFT = 20;

  private final Session session;

  @Spec private CommandSpec spec = CommandSpec.create();
  @Parameters(paramLabel = "PID", description = "Root of the tree.")
  private int pid;
  @Option(names = "--image", paramLabel = "DIR", description = "Folder the image is written to; - is standard output.")
  private Optional<Path> image = Optional.empty();
  @Option(names = "--repo", paramLabel = "DIR",
      description = "Repository it is added to, each content stored once; made if it is not there.")
  private Optional<Path> repository = Optional.empty();
  @Option(names = "--name", paramLabel = "NAME", description = "What it is called there: NAME@1, NAME@2, ...")
  private Optional<String> name = Optional.empty();
  @Option(names = "--commit-fd", paramLabel = "FD",
      description = "With --image -: end the program only when a line on FD says that the other side has the image.")
  private Optional<Integer> commitFd = Optional.empty();
  @Option(names = "--leave-running", description = "Let the program run on instead of ending it.")
  private boolean leaveRunning;
  @Option(names = "--track", description = "With --repo: have the kernel note what the program writes from here on, and"
      + " read only what it has written since the checkpoint before that did.")
  private boolean track;
  @Option(names = "--track-huge", description = "As --track, also in huge pages, which it breaks up.")
  private boolean trackHuge;
  @Option(names = "--pre-copy", paramLabel = "ROUNDS", arity = "0..1", fallbackValue = "5", description =
      "With --repo: copy memory while the program runs, in 5 rounds at most (or ROUNDS), and only the rest in the"
      + " freeze.")
  private Optional<Integer> preCopy = Optional.empty();
  @Option(names = "--verify", description = "Restore the image for real before it counts, in throw-away namespaces and"
      + " without running it, and compare the copy with it: a certificate goes into the image.")
  private boolean verify;
  @Option(names = "--embed-files", paramLabel = "MIB", arity = "0..1", fallbackValue = "0", description =
      "Take along the contents of executables, libraries and open files, so that restore --files can put them back"
      + " where they are missing or have changed; refuse if there are more than MIB of them.")
  private Optional<Long> embedFiles = Optional.empty();
  @Mixin private DeadlineOptions deadline = new DeadlineOptions();
  @Option(names = "--strict", description = "Refuse what would come back only approximately.")
  private boolean strict;
  @Option(names = "--max-freeze", paramLabel = "MS", description = "Give up if the freeze would last longer.")
  private Optional<Long> maxFreezeMs = Optional.empty();
  @Option(names = "--tcp-close",
      description = "Let TCP connections to peers outside the tree come back reset, instead of refusing.")
  private boolean tcpClose;
  @Option(names = "--tcp-established",
      description = "Keep TCP connections to peers outside the tree until the restore, on this host.")
  private boolean tcpEstablished;
  @Option(names = "--external-pipe", paramLabel = "null|inherit", description =
      "Let pipes whose other end is outside the tree come back as /dev/null, or as the restorer's input and output.")
  private Optional<String> externalPipe = Optional.empty();
  @Option(names = "--external-unix", paramLabel = "disconnect|reconnect", description =
      "Let unix sockets whose peer is outside the tree come back hung up, or connect them to the same path again.")
  private Optional<String> externalUnix = Optional.empty();
  @Option(names = "--force", description = "Replace an image that is in DIR.")
  private boolean force;
  @Option(names = "--redact", paramLabel = "WHAT", description = "Wipe from the image, everywhere: env:NAME,"
      + " text:WORDS, hex:BYTES, file:FILE (what is in FILE), or dontdump (memory marked MADV_DONTDUMP). As often as"
      + " needed.")
  private List<String> redact = List.of();
  @Mixin private CloseOptions keys = new CloseOptions();
  @Mixin private JsonOption json = new JsonOption();
  @Mixin private TraceOption trace = new TraceOption();
  @Mixin private Verbosity verbosity = new Verbosity();

  CheckpointVerb(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() throws IOException {
    Guard guard;
    Redaction redaction;
    try {
      guard = keys.guard();
      redaction = Redacted.of(spec, redact, pid);
    } catch (ImageException e) {
      return Report.of(session.console(), json).unsuccessful(new Outcome.Failed<>(e.getMessage())).code();
    }
    CheckpointOrder order = new CheckpointOrder(Arguments.tid(spec, pid), destination().guarded(guard), leaveRunning,
        strict, force, maxFreezeMs.map(ms -> Arguments.positiveMs(spec, "--max-freeze", ms)), outside(), redaction,
        tracking(), preCopyRounds(), embed(), deadline.order(spec), verify);
    return new Checkpointing(session, order, json.with(trace), verbosity).call();
  }

  private TrackOrder tracking() {
    if ((track || trackHuge) && repository.isEmpty()) {
      throw new ParameterException(spec.commandLine(), "--track goes with --repo DIR --name NAME: what was not written"
          + " is referred to there");
    }
    return trackHuge ? TrackOrder.HUGE_TOO : track ? TrackOrder.ON : TrackOrder.OFF;
  }

  private EmbedOrder embed() {
    if (embedFiles.isPresent() && !redact.isEmpty()) {
      throw new ParameterException(spec.commandLine(), "--embed-files goes without --redact: a file that is wiped of"
          + " something is another file");
    }
    if (embedFiles.filter(mib -> mib < 0 || mib > Long.MAX_VALUE >> MIB_SHIFT).isPresent()) {
      throw new ParameterException(spec.commandLine(), "--embed-files takes a number of MiB");
    }
    return embedFiles.map(mib -> mib == 0 ? EmbedOrder.ALL : new EmbedOrder(true, mib << MIB_SHIFT))
        .orElse(EmbedOrder.NONE);
  }

  private int preCopyRounds() {
    boolean timed = deadline.isGiven();
    if (timed && (repository.isEmpty() || track || trackHuge || !redact.isEmpty())) {
      throw new ParameterException(spec.commandLine(), repository.isEmpty() ? "--deadline goes with --repo DIR --name"
          + " NAME: into a folder nothing can be copied ahead" : "--deadline goes without --track and --redact");
    }
    if (preCopy.isPresent() && (repository.isEmpty() || track || trackHuge || !redact.isEmpty())) {
      throw new ParameterException(spec.commandLine(), repository.isEmpty() ? "--pre-copy goes with --repo DIR --name"
          + " NAME: a folder's image is written front to back" : "--pre-copy goes without --track and --redact");
    }
    if (preCopy.filter(rounds -> rounds < 1).isPresent()) {
      throw new ParameterException(spec.commandLine(), "--pre-copy takes 1 round or more");
    }
    return preCopy.orElse(timed ? DeadlineOptions.ROUNDS : 0);
  }

  private ImageAt destination() {
    boolean piped = image.filter(path -> path.toString().equals(ImageAt.Piped.WORD)).isPresent();
    if (commitFd.isPresent() && (!piped || leaveRunning)) {
      throw new ParameterException(spec.commandLine(), "--commit-fd goes with --image - and without --leave-running");
    }
    if (!piped) {
      return Arguments.destination(spec, image, repository, name);
    }
    if (!leaveRunning && commitFd.isEmpty() || repository.isPresent() || name.isPresent() || json.takesStdout()) {
      throw new ParameterException(spec.commandLine(), repository.isPresent() || name.isPresent()
          ? "give --image - or --repo DIR, not both" : json.takesStdout()
          ? "standard output is for the image; give --json=FILE"
          : "the program would end before anybody has its image; give --leave-running, or --commit-fd FD");
    }
    return new ImageAt.Piped(commitFd.map(CommitFd::new));
  }

  private Outside outside() {
    return new Outside(tcp(), pipes(), sockets());
  }

  private Outside.Pipes pipes() {
    return switch (externalPipe.orElse("")) {
      case "" -> Outside.Pipes.REFUSE;
      case "null" -> Outside.Pipes.NULL;
      case "inherit" -> Outside.Pipes.INHERIT;
      default -> throw new ParameterException(spec.commandLine(), "--external-pipe is null or inherit");
    };
  }

  private Outside.Sockets sockets() {
    return switch (externalUnix.orElse("")) {
      case "" -> Outside.Sockets.REFUSE;
      case "disconnect" -> Outside.Sockets.DISCONNECT;
      case "reconnect" -> Outside.Sockets.RECONNECT;
      default -> throw new ParameterException(spec.commandLine(), "--external-unix is disconnect or reconnect");
    };
  }

  private TcpPeers tcp() {
    if (tcpClose && tcpEstablished) {
      throw new ParameterException(spec.commandLine(), "--tcp-close and --tcp-established exclude each other");
    }
    return tcpClose ? TcpPeers.CLOSE : tcpEstablished ? TcpPeers.KEEP : TcpPeers.REFUSE;
  }
}
