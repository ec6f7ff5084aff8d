package stasis.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.LongSupplier;
import stasis.engine.Practice;
import stasis.linux.abi.PathBytes;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.peer.Descriptor;
import stasis.linux.peer.HeldProcess;
import stasis.linux.peer.LocalSocket;
import stasis.linux.peer.Readiness;
import stasis.linux.peer.WakeUp;

/// A resident engine's one thread that waits: for callers at a socket and at lines, for what they say, and for the ends
/// of programs that were restored and that nobody else waits for. docs/designs/serve.md.
final class Server implements Conversation.Server, AutoCloseable {
  /// The launcher has its end of `ASK` open under this number.
  private static final int LAUNCHERS_FD = 8;
  private static final int LINES_READY = 4;
  private static final int AT_WORK_MAX = 16;
  private static final long LOOK_MS = 1000;
  private static final long UNUSED_LINE_NS = 10_000_000_000L;
  private static final long TIDY_NS = 2_000_000_000L;

  /// Something a launcher can write to and read from.
  private record Line(int number, Descriptor ask, Descriptor say) {}

  /// @param line where it came by one @param peer who it is, where it came by the socket
  private record Talk(Conversation conversation, Optional<Line> line, Optional<Tid> peer, long beganNs) {}

  private final Doorway doorway;
  private final int ownUid;
  private final long idleNs;
  private final LongSupplier clockNs;
  private final Practice practice;
  private final Installation installation = Installation.own();
  private final WakeUp wake;
  private final LocalSocket socket;
  private final SequencedMap<Descriptor, Line> lines = new LinkedHashMap<>();
  private final Map<Descriptor, Talk> talks = new HashMap<>();
  private final Map<Conversation, Talk> working = new HashMap<>();
  private final Map<Integer, Long> takenSinceNs = new HashMap<>();
  private final Map<Descriptor, HeldProcess> children = new HashMap<>();
  private int nextLine;
  private long busyNs;
  private boolean tidy;
  // Below: also used by other threads, under this object's monitor.
  private final Deque<Conversation> ended = new ArrayDeque<>();
  private final Deque<Tid> born = new ArrayDeque<>();
  private final Map<String, Integer> sentBack = new LinkedHashMap<>();
  private int served;
  private boolean stopping;

  /// @param doorway opened and ours @param idleNs after which it ends by itself
  Server(Doorway doorway, Practice practice, long idleNs, LongSupplier clockNs) throws IOException, SyscallException {
    this.doorway = doorway;
    this.practice = practice;
    this.idleNs = idleNs;
    this.clockNs = clockNs;
    busyNs = clockNs.getAsLong();
    ownUid = (int) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
    doorway.clear();
    wake = new WakeUp();
    socket = LocalSocket.listen(doorway.socket().toString());
  }

  /// Until it was told to stop and all that was asked is done, or nobody came for long.
  void run() throws SyscallException, IOException {
    while (!isStopping()) {
      while (lines.size() < LINES_READY) {
        offerLine();
      }
      turn(true);
      if (talks.isEmpty() && working.isEmpty() && clockNs.getAsLong() - busyNs > idleNs) {
        stop();
      }
    }
    // Whoever comes from now on finds nobody, or the next server.
    withdraw();
    while (!working.isEmpty()) {
      turn(false);
    }
  }

  /// Any thread.
  synchronized void stop() {
    stopping = true;
    wake.ring();
  }

  private synchronized boolean isStopping() {
    return stopping;
  }

  private void turn(boolean accepting) {
    List<Descriptor> among = new ArrayList<>(List.of(wake.descriptor()));
    if (accepting) {
      among.add(socket.descriptor());
    }
    among.addAll(lines.keySet());
    among.addAll(talks.keySet());
    among.addAll(children.keySet());
    List<Descriptor> ready = Readiness.await(among, LOOK_MS);
    for (Descriptor one : ready) {
      if (one.equals(wake.descriptor())) {
        wake.clear();
      } else if (one.equals(socket.descriptor())) {
        accept();
      } else if (lines.containsKey(one)) {
        Line line = lines.remove(one);
        talks.put(one, new Talk(new Conversation(this, line.ask(), line.say(),
            Caller.LAUNCHERS_STDIO), Optional.of(line),
            Optional.empty(), clockNs.getAsLong()));
        read(talks.get(one));
      } else if (talks.containsKey(one)) {
        read(talks.get(one));
      } else if (children.containsKey(one) && children.get(one).reap()) {
        children.remove(one).close();
      }
    }
    settle();
    if (ready.isEmpty()) {
      look();
    }
  }

  private void offerLine() throws SyscallException {
    int number = nextLine++;
    Descriptor.makeFifo(doorway.ask(number).toString());
    Descriptor ask = Descriptor.reading(doorway.ask(number).toString());
    // The launcher looks for this one, so it comes last, and whole: under another name first.
    Path hidden = doorway.folder().resolve("." + number);
    Descriptor.makeFifo(hidden.toString());
    Descriptor say = Descriptor.holding(hidden.toString());
    try {
      Files.move(hidden, doorway.say(number));
    } catch (IOException e) {
      ask.close();
      say.close();
      throw new IllegalStateException("the folder of this server is gone: " + e.getMessage(), e);
    }
    lines.put(ask, new Line(number, ask, say));
  }

  private void accept() {
    for (Optional<LocalSocket.Peer> peer = socket.accept(); peer.isPresent(); peer = socket.accept()) {
      Descriptor connection = peer.get().connection();
      if (peer.get().uid() != ownUid) {
        connection.close();
        continue;
      }
      talks.put(connection, new Talk(new Conversation(this, connection, connection, 0), Optional.empty(),
          peer.get().pid(), clockNs.getAsLong()));
    }
  }

  private void read(Talk talk) {
    Conversation conversation = talk.conversation();
    boolean more = conversation.readable();
    boolean asking = !working.containsKey(conversation);
    List<String> asked = asking ? conversation.asked() : List.of();
    if (!asked.isEmpty() && asked.getLast().equals(Request.END)) {
      ask(talk, asked.subList(0, asked.size() - 1));
    } else if (talk.line().isEmpty() && asked.equals(List.of("status"))) {
      conversation.say(status());
      drop(talk);
    } else if (talk.line().isEmpty() && asked.equals(List.of("stop"))) {
      conversation.say("stopping");
      drop(talk);
      stop();
    } else if (!more && asking) {
      drop(talk);
    } else if (!more) {
      conversation.left();
      talks.remove(conversation.in());
    }
  }

  private void ask(Talk talk, List<String> asked) {
    Conversation conversation = talk.conversation();
    Optional<Request> request = Request.of(asked);
    Optional<HeldProcess> caller = request.flatMap(said -> caller(talk, said));
    if (request.isEmpty() || caller.isEmpty() || working.size() >= AT_WORK_MAX) {
      caller.ifPresent(HeldProcess::close);
      String reason = request.isEmpty() ? "that cannot be read" : caller.isEmpty() ? "who asks is not certain"
          : "others are at work";
      conversation.say("local " + reason);
      count(Optional.of(reason));
      drop(talk);
      return;
    }
    working.put(conversation, talk);
    Thread.ofPlatform().name("stasis-request").daemon().start(() -> conversation.work(request.get(), caller.get()));
  }

  /// Who has the launcher's end of this very line, or is at the other end of the socket: nobody else.
  private static Optional<HeldProcess> caller(Talk talk, Request request) {
    if (talk.line().isEmpty()) {
      return talk.peer().flatMap(HeldProcess::of);
    }
    Optional<HeldProcess> said = HeldProcess.of(request.pid());
    boolean certain = said.isPresent() && talk.line().get().ask().isSameFile(
        PathBytes.of("/proc/" + request.pid() + "/fd/" + LAUNCHERS_FD)) && said.get().isAlive();
    if (!certain) {
      said.ifPresent(HeldProcess::close);
    }
    return said.filter(_ -> certain);
  }

  /// Takes in what other threads have left.
  private void settle() {
    List<Conversation> over;
    List<Tid> orphans;
    synchronized (this) {
      over = List.copyOf(ended);
      ended.clear();
      orphans = List.copyOf(born);
      born.clear();
    }
    over.forEach(conversation -> Optional.ofNullable(working.remove(conversation)).ifPresent(this::drop));
    for (Tid orphan : orphans) {
      HeldProcess.of(orphan).ifPresent(child -> children.put(child.descriptor(), child));
    }
  }

  /// Now and then: what nobody uses.
  private void look() {
    long now = clockNs.getAsLong();
    talks.values().stream().filter(talk -> !working.containsKey(talk.conversation())
        && now - talk.beganNs() > UNUSED_LINE_NS).toList().forEach(this::drop);
    for (Line line : List.copyOf(lines.values())) {
      if (Files.exists(doorway.taken(line.number()))
          && now - takenSinceNs.computeIfAbsent(line.number(), _ -> now) > UNUSED_LINE_NS) {
        // By a launcher that died before it said anything.
        lines.remove(line.ask());
        close(line);
      }
    }
    if (!tidy && working.isEmpty() && now - busyNs > TIDY_NS) {
      // What a large request needed is given back while nobody waits.
      tidy = true;
      System.gc();
    }
  }

  private void drop(Talk talk) {
    busyNs = clockNs.getAsLong();
    tidy = false;
    talks.remove(talk.conversation().in());
    talk.line().ifPresentOrElse(this::close, talk.conversation().in()::close);
  }

  private void close(Line line) {
    takenSinceNs.remove(line.number());
    line.ask().close();
    line.say().close();
    for (Path file : List.of(doorway.say(line.number()), doorway.ask(line.number()), doorway.taken(line.number()))) {
      delete(file);
    }
  }

  private static void delete(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      // Left behind in a folder that the next server clears.
    }
  }

  private void withdraw() {
    socket.close();
    delete(doorway.socket());
    List.copyOf(lines.values()).forEach(this::close);
    lines.clear();
    talks.values().stream().filter(talk -> !working.containsKey(talk.conversation())).toList().forEach(this::drop);
  }

  @Override
  public Practice practice() {
    return practice;
  }

  @Override
  public Installation installation() {
    return installation;
  }

  @Override
  public synchronized void adopt(Tid child) {
    born.add(child);
    wake.ring();
  }

  @Override
  public synchronized void ended(Conversation conversation, Optional<String> back) {
    count(back);
    ended.add(conversation);
    wake.ring();
  }

  private synchronized void count(Optional<String> back) {
    back.ifPresentOrElse(reason -> sentBack.merge(reason, 1, Integer::sum), () -> served++);
  }

  private synchronized String status() {
    StringBuilder text = new StringBuilder("serving at " + doorway.folder() + ", pid " + ProcessHandle.current().pid()
        + ", version " + Build.version() + "\n" + (practice.isWarm() ? "warm" : "warming up") + "; "
        + Units.count(served, "request") + " served, " + working.size() + " at work");
    sentBack.forEach((reason, count) -> text.append("\nleft to the caller: ").append(reason).append(" (")
        .append(count).append(')'));
    return text.toString();
  }

  @Override
  public void close() {
    withdraw();
    children.values().forEach(HeldProcess::close);
    children.clear();
    wake.close();
    practice.close();
  }
}
