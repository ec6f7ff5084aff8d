package stasis.cli;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import stasis.engine.Practice;
import stasis.linux.abi.SyscallException;

@Command(name = "serve",
    description = "Stay, warm, and do what plain checkpoint and restore commands of this user ask, in a tenth of the"
        + " time; commands that cannot be served run by themselves, as ever.",
    footer = {"", "Examples: stasis serve &",
        "          stasis serve --status",
        "          stasis serve --stop",
        "It listens below /run/stasis, or $XDG_RUNTIME_DIR/stasis; STASIS_SERVE=never makes a command run by itself.",
        "Exit status: 0 it has served, or there is a server; 3 another one serves; 4 there is none."})
final class ServeVerb implements Callable<Integer> {
  private static final int ROOM = 65536;
  private static final long NS_PER_MINUTE = 60_000_000_000L;

  private final Session session;

  @Spec private CommandSpec spec = CommandSpec.create();
  @Option(names = "--status", description = "Tell of the server that is there.")
  private boolean status;
  @Option(names = "--stop", description = "Have it end when what it does is done; new commands run by themselves.")
  private boolean stop;
  @Option(names = "--idle", paramLabel = "MINUTES", description = "End when nobody has asked for so long; 60 without.")
  private Optional<Integer> idleMinutes = Optional.empty();

  @Option(names = "--warm-up", paramLabel = "ROUNDS", description = "Carry a sleeper of its own there and back so often"
      + " first, beside requests, so that its code is compiled; 72 without.")
  private int warmUpRounds = WarmUp.ROUNDS;

  ServeVerb(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() throws IOException, SyscallException {
    if (status && stop) {
      throw new ParameterException(spec.commandLine(), "give --status or --stop, not both");
    }
    if (idleMinutes.filter(minutes -> minutes < 1).isPresent()) {
      throw new ParameterException(spec.commandLine(), "--idle takes 1 minute or more");
    }
    Doorway doorway = Doorway.of(System.getenv());
    if (status || stop) {
      Optional<String> answer = ask(doorway, stop ? "stop" : "status");
      answer.ifPresentOrElse(session.console().out()::print,
          () -> session.console().say("nobody serves at " + doorway.folder()));
      return (answer.isPresent() ? ExitStatus.DONE : ExitStatus.FAILED).code();
    }
    doorway.open();
    Optional<FileChannel> lock = doorway.own();
    if (lock.isEmpty()) {
      session.console().say("another one serves at " + doorway.folder() + "; see stasis serve --status");
      return ExitStatus.REFUSED.code();
    }
    try (FileChannel _ = lock.get();
        Server server = new Server(doorway, Practice.kept(), idleMinutes.orElse(60) * NS_PER_MINUTE,
            System::nanoTime)) {
      session.cancellation().onRequest(server::stop);
      WarmUp.begin(session, server.practice(), warmUpRounds);
      session.console().say("serving at " + doorway.folder());
      server.run();
    }
    return ExitStatus.DONE.code();
  }

  /// @return empty where nobody answers: there is no socket, or only one that a dead server has left
  static Optional<String> ask(Doorway doorway, String word) {
    try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      channel.connect(UnixDomainSocketAddress.of(doorway.socket()));
      channel.write(ByteBuffer.wrap((word + "\n").getBytes(StandardCharsets.US_ASCII)));
      ByteBuffer answer = ByteBuffer.allocate(ROOM);
      while (channel.read(answer) > 0) { }
      return Optional.of(new String(answer.array(), 0, answer.position(), StandardCharsets.ISO_8859_1))
          .filter(text -> !text.isEmpty());
    } catch (IOException e) {
      return Optional.empty();
    }
  }
}
