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
import stasis.cli.Engine.Outcome;
import stasis.engine.Place;
import stasis.kinds.AddressMap;
import stasis.repository.ImageException;

@Command(name = "restore", exitCodeOnInvalidInput = 125,
    description = "Bring a program back at its original pids; wait for it and end as it ends.",
    footer = {"", "Examples: stasis restore DIR", "          stasis restore --repo R redis@7 --detach",
        "          stasis restore DIR --lazy", "          stasis restore DIR --new-pid-namespace",
        "          stasis restore DIR --files=rollback", "          stasis restore DIR --in-place",
        "Exit status: the program's own; 125 the restore failed and nothing is left behind; 126 refused."})
final class RestoreVerb implements Callable<Integer> {
  private final Session session;

  @Spec private CommandSpec spec = CommandSpec.create();
  @Parameters(paramLabel = "IMAGE", arity = "0..1",
      description = "Folder that holds the image; with --repo a checkpoint: NAME@K, NAME@TAG, or NAME for the newest.")
  private Optional<String> argument = Optional.empty();
  @Option(names = "--image", paramLabel = "DIR", description = "The same, as an option; - is standard input.")
  private Optional<Path> option = Optional.empty();
  @Option(names = "--repo", paramLabel = "DIR", description = "Repository that holds it.")
  private Optional<Path> repository = Optional.empty();
  @Option(names = "--commit-fd", paramLabel = "FD",
      description = "With --image -: write a line to FD when the image is here, whole, checked and planned.")
  private Optional<Integer> commitFd = Optional.empty();
  @Option(names = "--detach", description = "Print the pid and return as soon as the program runs.")
  private boolean detach;
  @Option(names = "--lazy", description = "Let the program run at once and put its memory in as it asks for it, and"
      + " beside; this process, or one of its own with --detach, stays until all is in. The program is killed if that"
      + " process is.")
  private boolean lazy;
  @Option(names = "--new-pid-namespace", description = "Restore in a new pid namespace, beside whoever has the original"
      + " pids: in there the program has its own again.")
  private boolean newPidNamespace;
  @Option(names = "--in-place", description = "Restore among the pids of this host although they cannot be chosen: wait"
      + " until each is next, as is done anyway where no pid namespace can be made.")
  private boolean inPlace;
  @Option(names = "--pidfile", paramLabel = "FILE", description = "Write the pid to FILE.")
  private Optional<Path> pidfile = Optional.empty();
  @Option(names = "--dry-run", description = "Print the restore program and run nothing.")
  private boolean dryRun;
  @Option(names = "--tcp-established",
      description = "Go on with TCP connections to peers outside the tree that were kept by the checkpoint.")
  private boolean tcpEstablished;
  @Option(names = "--map-address", paramLabel = "OLD=NEW", description = "Sockets at the address OLD come back at NEW,"
      + " connections between sockets of the program too. Both may have a port: 10.0.0.1:80=10.0.0.2:8080.")
  private List<String> mapAddress = List.of();
  @Mixin private FileOptions files = new FileOptions();
  @Mixin private AcceptOptions accept = new AcceptOptions();
  @Mixin private JsonOption json = new JsonOption();
  @Mixin private TraceOption trace = new TraceOption();
  @Mixin private Verbosity verbosity = new Verbosity();

  RestoreVerb(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    ImageAt image = Arguments.image(spec, argument, option, repository, commitFd);
    AddressMap map = addresses();
    json.with(trace);
    Guard guard;
    try {
      guard = accept.guard();
    } catch (ImageException e) {
      return Report.ofRestore(session.console(), json).unsuccessful(new Outcome.Failed<>(e.getMessage())).code();
    }
    return new Restoring(session, image.guarded(guard), detach, tcpEstablished, map, pidfile, dryRun, lazy,
        place(), files.policy(spec), json, verbosity).call();
  }

  private Place place() {
    if (newPidNamespace && inPlace) {
      throw new ParameterException(spec.commandLine(), "--in-place and --new-pid-namespace exclude each other");
    }
    return newPidNamespace ? Place.OWN_NAMESPACE : inPlace ? Place.HERE : Place.ANY;
  }

  private AddressMap addresses() {
    try {
      return new AddressMap(mapAddress.stream().map(AddressMap::rule).toList());
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), "--map-address: " + e.getMessage());
    }
  }
}
