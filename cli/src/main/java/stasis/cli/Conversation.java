package stasis.cli;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntConsumer;
import stasis.engine.Practice;
import stasis.engine.Stead;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.peer.Descriptor;
import stasis.linux.peer.HeldProcess;

/// One caller, from its first line to the status it ends with: it says `begun` when the request can be done by nobody
/// else any more, then `exit STATUS`; or `local REASON` where the caller is to do it. Lines that come meanwhile are
/// signals for the command, `signal NUMBER`.
///
/// [#readable] is called by the server's thread, [#work] runs on one of its own.
final class Conversation {
  private static final int SIGHUP = 1;
  private static final int SIGINT = 2;
  private static final int SIGTERM = 15;
  private static final List<Integer> CANCELLING = List.of(SIGHUP, SIGINT, SIGTERM);
  private static final int MAX_LINES = 4096;

  /// What its server does for it.
  interface Server {
    Practice practice();

    Installation installation();

    void adopt(Tid child);

    /// It has ended; the server closes what it has of it.
    void ended(Conversation conversation, Optional<String> sentBack);
  }

  private final Server server;
  private final Descriptor in;
  private final Descriptor out;
  private final int stdio;
  private final Request.Lines lines = new Request.Lines();
  private final List<String> asked = new ArrayList<>();
  private final Cancellation cancellation = new Cancellation();
  private Optional<Console> console = Optional.empty();
  private Optional<IntConsumer> program = Optional.empty();
  private int signals;
  private boolean told;

  /// @param stdio number of the first of the caller's three standard descriptors
  Conversation(Server server, Descriptor in, Descriptor out, int stdio) {
    this.server = server;
    this.stdio = stdio;
    this.in = in;
    this.out = out;
  }

  Descriptor in() {
    return in;
  }

  /// Reads what there is.
  ///
  /// @return whether more can come; otherwise the caller is gone, or what it says makes no sense
  boolean readable() {
    Optional<Bytes> piece = in.read();
    if (piece.isEmpty()) {
      return false;
    }
    for (String line : lines.add(piece.get().toArray())) {
      if (line.startsWith("signal ") && line.length() < 12 && line.substring(7).matches("[0-9]{1,2}")) {
        signal(Integer.parseInt(line.substring(7)));
      } else {
        asked.add(line);
      }
    }
    return !lines.isTooLong() && asked.size() < MAX_LINES;
  }

  /// The lines so far; a whole request ends with [Request#END], a word for the server is one line.
  List<String> asked() {
    return List.copyOf(asked);
  }

  /// The caller is gone: what can be taken back is.
  synchronized void left() {
    if (program.isEmpty()) {
      cancellation.request();
    }
  }

  /// As a command of the caller's own would take it.
  private synchronized void signal(int number) {
    if (program.isPresent()) {
      program.get().accept(number);
    } else if (CANCELLING.contains(number)) {
      signals++;
      switch (signals) {
        case 1 -> cancellation.request();
        case 2 -> console.ifPresent(said -> said.say("still letting go of everything; once more ends at once"));
        default -> tell("exit " + ExitStatus.CANCELLED.code());
      }
    }
  }

  private synchronized void relayTo(IntConsumer to) {
    program = Optional.of(to);
  }

  /// A line; nobody may be there to read it any more.
  synchronized void say(String line) {
    byte[] bytes = (line + "\n").getBytes(StandardCharsets.ISO_8859_1);
    try {
      out.write(bytes, 0, bytes.length);
    } catch (SyscallException e) {
      // Then it has left, and is heard to.
    }
  }

  /// The last line, once.
  private synchronized void tell(String line) {
    if (!told) {
      told = true;
      say(line);
    }
  }

  /// Does what was asked.
  ///
  /// @param caller closed in the end
  void work(Request request, HeldProcess caller) {
    Optional<String> sentBack = Optional.empty();
    try (Caller from = Caller.of(caller, stdio)) {
      tell("exit " + run(request, from));
    } catch (NotServedException e) {
      sentBack = Optional.of(String.valueOf(e.getMessage()));
      tell("local " + sentBack.get());
    } finally {
      // Whatever happened: a caller that hears nothing more takes us for dead.
      tell("exit " + ExitStatus.FAILED.code());
      server.ended(this, sentBack);
    }
  }

  private int run(Request request, Caller from) {
    if (!server.installation().isStill(request.root())) {
      throw new NotServedException("another build was asked for");
    }
    PlainLine line = PlainLine.of(request.words().toArray(String[]::new))
        .orElseThrow(() -> new NotServedException("only plain checkpoint and restore are served")).at(from.directory());
    Console theirs = from.console();
    synchronized (this) {
      console = Optional.of(theirs);
    }
    Session session = new Session(theirs, new LibraryEngine(Build.version(), server.practice(),
        Optional.of(new Standing(from.stead()))), cancellation, this::relayTo, () -> leave(from, theirs));
    int status = call(session, line);
    theirs.out().flush();
    theirs.err().flush();
    return status;
  }

  /// Memory is still to come, which is ours to wait for: the caller goes, and keeps nothing open here.
  private void leave(Caller caller, Console console) {
    console.out().flush();
    console.err().flush();
    tell("exit " + ExitStatus.DONE.code());
    caller.close();
  }

  private static int call(Session session, PlainLine line) {
    try {
      return line.request(session).orElseThrow(() -> new NotServedException("that is for the command line to say"))
          .call();
    } catch (NotServedException e) {
      throw e;
    } catch (Exception | LinkageError | AssertionError problem) {
      return Line.failed(session, line.verb(), problem);
    }
  }

  /// In the caller's stead.
  private final class Standing implements Served {
    private final Stead stead;

    Standing(Stead stead) {
      this.stead = stead;
    }

    @Override
    public Stead stead() {
      return stead;
    }

    @Override
    public void begun() {
      say("begun");
    }

    @Override
    public void adopt(Tid child) {
      server.adopt(child);
    }
  }
}
