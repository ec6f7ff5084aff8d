package stasis.kinds.body.unix;

import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FileStat;
import stasis.resource.BodyKind;
import stasis.resource.BodyView;
import stasis.resource.Host;
import stasis.resource.Loss;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.Provable;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// All unix sockets of the tree, as one thing: which are pairs, who listens for whom, who is connected to whom, and
/// what is on its way. Sockets cannot be joined later, and names are taken in an order; so one script makes them all.
/// A socket that nobody has open any more but that left a trace (a peer that hung up, the sender of a message) is made
/// again and closed.
public final class UnixBody implements BodyKind<UnixBody.State> {
  static final int SOCK_STREAM = 1;
  static final int SOCK_DGRAM = 2;
  static final int SOCK_SEQPACKET = 5;

  /// Whom the kernel names as a peer (SO_PEERCRED) or sender. `pid` is in the engine's pid namespace.
  record Owner(@Tag(1) int pid, @Tag(2) int uid, @Tag(3) int gid) {}

  /// A socket file.
  ///
  /// @param bound where bind(2) makes it, absolute @param path where it is now @param present whether it still is
  record Place(@Tag(1) PathBytes bound, @Tag(2) PathBytes path, @Tag(3) boolean present, @Tag(4) long inode,
      @Tag(5) int mode, @Tag(6) int uid, @Tag(7) int gid) {
    boolean isAtItsName() {
      return present && path.equals(bound);
    }
  }

  /// @param file its object; empty when nobody has it open any more @param type SOCK_*
  /// @param name sun_path: a path without NUL, an abstract name with its first NUL, nothing
  /// @param binds whether it took that name itself; an accepted socket has its listener's
  /// @param backlog of listen(2); empty when it does not listen @param peer as SO_PEERCRED says
  /// @param shutdown 1 nothing more is received, 2 nothing more can be sent, 3 both
  /// @param reset its peer hung up on unread bytes: ECONNRESET waits in it
  /// @param sendBuffer as SO_SNDBUF says @param bufferLocks as SO_BUF_LOCK says
  record Socket(@Tag(1) Optional<ObjectId> file, @Tag(2) int type, @Tag(3) Bytes name, @Tag(4) boolean binds,
      @Tag(5) Optional<Place> place, @Tag(6) Optional<Integer> backlog, @Tag(7) Optional<Owner> peer,
      @Tag(8) int shutdown, @Tag(9) boolean reset, @Tag(10) int sendBuffer, @Tag(11) int bufferLocks) {
    Socket {
      if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET || name.length() > NAME_BYTES
          || shutdown < 0 || shutdown > SHUT_BOTH) {
        throw new IllegalArgumentException("no unix socket: type " + type + ", name " + name);
      }
    }

    boolean isAbstract() {
      return !name.isEmpty() && name.u8(0) == 0;
    }

    boolean hasPath() {
      return !name.isEmpty() && name.u8(0) != 0;
    }

    boolean isDatagram() {
      return type == SOCK_DGRAM;
    }
  }

  /// Two sockets joined for good. Sockets are meant by their place in the list.
  ///
  /// @param listener through which `one` was accepted; empty for socketpair(2)
  record Pair(@Tag(1) int one, @Tag(2) int other, @Tag(3) Optional<Integer> listener) {}

  /// A connection that was not accepted yet. @param by who connects, as accept(2) will show
  record Waiting(@Tag(1) int listener, @Tag(2) int client, @Tag(3) Owner by) {}

  /// A datagram socket's connect(2).
  record Link(@Tag(1) int from, @Tag(2) int to) {}

  /// Who sent a message, as SCM_CREDENTIALS says. @param task its task, where that is in the tree
  record Sender(@Tag(1) int pid, @Tag(2) Optional<ObjectId> task, @Tag(3) int uid, @Tag(4) int gid) {}

  /// What is on its way. @param files as SCM_RIGHTS has them
  record Message(@Tag(1) int from, @Tag(2) int to, @Tag(3) Bytes data, @Tag(4) Optional<Sender> sender,
      @Tag(5) List<ObjectId> files) {
    Message {
      files = List.copyOf(files);
    }
  }

  /// @param maker pid of the task that will make them, in the engine's pid namespace
  record State(@Tag(1) List<Socket> sockets, @Tag(2) List<Pair> pairs, @Tag(3) List<Waiting> waiting,
      @Tag(4) List<Link> links, @Tag(5) List<Message> messages, @Tag(6) int maker) {
    State {
      sockets = List.copyOf(sockets);
      pairs = List.copyOf(pairs);
      waiting = List.copyOf(waiting);
      links = List.copyOf(links);
      messages = List.copyOf(messages);
      var named = new ArrayList<Integer>();
      pairs.forEach(pair -> {
        named.addAll(List.of(pair.one(), pair.other()));
        pair.listener().ifPresent(named::add);
      });
      waiting.forEach(one -> named.addAll(List.of(one.listener(), one.client())));
      links.forEach(link -> named.addAll(List.of(link.from(), link.to())));
      messages.forEach(message -> named.addAll(List.of(message.from(), message.to())));
      int size = sockets.size();
      if (sockets.isEmpty() || named.stream().anyMatch(index -> index < 0 || index >= size)) {
        throw new IllegalArgumentException("of " + size + " unix sockets one is named that is not among them");
      }
    }
  }

  static final int NAME_BYTES = 108;
  private static final int SHUT_BOTH = 3;
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "body.unix", 1);

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public State checkpoint(BodyView body) throws ObstructedException {
    return new UnixWiring(body).state();
  }

  @Override
  public Set<ObjectId> carries(State state) {
    return state.messages().stream().flatMap(message -> message.files().stream())
        .collect(Collectors.toCollection(TreeSet::new));
  }

  @Override
  public List<Loss> losses(State state) {
    var losses = new ArrayList<Loss>();
    for (Socket socket : state.sockets()) {
      socket.place().filter(place -> place.present() && socket.binds()).ifPresent(place -> losses.add(
          Loss.of("the socket file " + place.path() + " is made anew: its inode number is another")));
    }
    Set<Integer> makers = new TreeSet<>();
    state.sockets().forEach(socket -> socket.peer().ifPresent(peer -> makers.add(peer.pid())));
    state.messages().forEach(message -> message.sender().filter(sender -> sender.task().isEmpty())
        .ifPresent(sender -> makers.add(sender.pid())));
    makers.remove(state.maker());
    for (int pid : makers) {
      losses.add(Loss.of("where the credentials of a peer or sender (SO_PEERCRED, SCM_CREDENTIALS) name task " + pid
          + ", they will name task " + state.maker()));
    }
    return losses;
  }

  @Override
  public List<Loss> losses(State state, Host host) {
    var losses = new ArrayList<>(losses(state));
    if (!host.capabilities().contains("CAP_SETUID")) {
      long own = host.restorer().map(status -> status.uid().effective()).orElse(-1L);
      if (state.sockets().stream().anyMatch(socket -> socket.peer().filter(peer -> peer.uid() != own).isPresent())) {
        losses.add(new Loss("where SO_PEERCRED names another user, it will name the restorer",
            "restore with CAP_SETUID and CAP_SETGID"));
      }
    }
    return losses;
  }

  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    Set<Long> ours = state.sockets().stream().flatMap(socket -> socket.place().stream()).filter(Place::present)
        .map(Place::inode).collect(Collectors.toSet());
    var obstacles = new ArrayList<Obstacle>();
    for (Socket socket : state.sockets()) {
      if (socket.binds() && socket.place().isPresent()) {
        PathBytes at = socket.place().get().bound();
        host.file(at).filter(now -> !isFree(now, at, ours, host)
            && !canBeAside(socket, host)).ifPresent(now -> obstacles.add(
            new Obstacle.Changed("unix socket " + at, "a name nobody uses", now.type() == FileStat.S_IFSOCK
                ? "a socket in use" : "another type of file", "stop who uses it, or move that file away")));
      }
    }
    if (state.messages().stream().anyMatch(message -> message.sender().filter(
        sender -> sender.task().isPresent() && sender.pid() != state.maker()).isPresent())
        && !host.capabilities().contains("CAP_SYS_ADMIN")) {
      obstacles.add(new Obstacle.HostLacks("CAP_SYS_ADMIN", "credentials of another task are on their way in a unix"
          + " socket", "restore with that capability"));
    }
    return obstacles;
  }

  /// Under another root directory, where its name is absolute.
  private static boolean canBeAside(Socket socket, Host host) {
    return UnixSteps.isTaken(socket, host)
        && (socket.name().u8(0) != '/' || host.capabilities().contains("CAP_SYS_CHROOT"));
  }

  private static boolean isFree(FileStat now, PathBytes path, Set<Long> ours, Host host) {
    return now.type() == FileStat.S_IFSOCK && (ours.contains(now.inode()) || !host.isBound(path));
  }

  @Override
  public Ref<?> restore(State state, ObjectId self, Script script, Refs refs) {
    return new UnixPlan(state, self, script, refs).make();
  }

  @Override
  public void finish(State state, ObjectId self, Script script, Refs refs) {
    new UnixDelivery(state, self, script, refs).finish();
  }
  /// The program is bound to its socket files: a copy has names for them that nobody shares, the network namespace
  /// being its own.
  @Override
  public Provable<State> provable(State state) {
    return state.sockets().stream().noneMatch(Socket::hasPath) ? new Provable.Whole<>()
        : new Provable.Part<>(new State(state.sockets().stream().map(UnixBody::nameless).toList(), state.pairs(),
            state.waiting(), state.links(), state.messages(), state.maker()),
            "its socket files: the program is bound to them, and the copy to abstract names");
  }

  private static Socket nameless(Socket socket) {
    if (!socket.hasPath()) {
      return socket;
    }
    Bytes name = Bytes.cString("\0stasis").concat(socket.name());
    return new Socket(socket.file(), socket.type(), name.slice(0, Math.min(name.length(), NAME_BYTES)),
        socket.binds(), Optional.empty(), socket.backlog(), socket.peer(), socket.shutdown(), socket.reset(),
        socket.sendBuffer(), socket.bufferLocks());
  }
}
