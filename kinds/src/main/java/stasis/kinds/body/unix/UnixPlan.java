package stasis.kinds.body.unix;

import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import stasis.image.ObjectId;
import stasis.kinds.body.unix.UnixBody.Pair;
import stasis.kinds.body.unix.UnixBody.Place;
import stasis.kinds.body.unix.UnixBody.Socket;
import stasis.kinds.body.unix.UnixBody.State;
import stasis.kinds.body.unix.UnixBody.Waiting;
import stasis.kinds.file.OpenFlags;
import stasis.kinds.file.SocketFacts;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.linux.abi.PathBytes;
import stasis.resource.Arg;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// Makes all unix sockets of a tree, names and joins them. What waits in them is delivered later.
final class UnixPlan {
  private static final int SOCK_CLOEXEC = 0x80000;
  private static final int F_DUPFD_CLOEXEC = 1030;
  private static final int MANY = 4096;

  private final State state;
  private final ObjectId self;
  private final Script script;
  private final Refs refs;
  private final UnixSteps steps;
  private final UnixOwner owner;
  private final Map<Integer, Ref<?>> made = new HashMap<>();
  private final Set<Integer> bound = new HashSet<>();
  /// Sockets that listened once; they are needed for their name only.
  private final Set<Integer> past = new HashSet<>();

  UnixPlan(State state, ObjectId self, Script script, Refs refs) {
    this.state = state;
    this.self = self;
    this.script = script;
    this.refs = refs;
    this.steps = new UnixSteps(state, self, script, refs.host());
    this.owner = new UnixOwner(script);
    all().filter(i -> socket(i).file().isEmpty() && socket(i).backlog().isPresent()).forEach(past::add);
  }

  private IntStream all() {
    return IntStream.range(0, state.sockets().size());
  }

  private Socket socket(int index) {
    return state.sockets().get(index);
  }

  /// Past listeners go first: the names they left may be another's by now.
  Ref<?> make() {
    steps.makeDirectories(refs.host());
    Set<Integer> joined = new HashSet<>();
    for (Pair pair : state.pairs()) {
      joined.add(pair.one());
      if (pair.listener().isEmpty()) {
        joined.add(pair.other());
      }
    }
    all().filter(i -> !joined.contains(i) && !past.contains(i)).forEach(this::create);
    state.pairs().stream().filter(pair -> pair.listener().isPresent()).map(Pair::other).distinct()
        .filter(client -> socket(client).binds()).forEach(this::bind);
    past.stream().sorted().forEach(this::pastListener);
    state.pairs().stream().filter(pair -> pair.listener().isEmpty()).forEach(this::join);
    all().boxed().filter(i -> socket(i).binds() && !bound.contains(i))
        .sorted(Comparator.comparing(this::isAtItsName)).forEach(this::bind);
    all().filter(i -> socket(i).backlog().isPresent() && !past.contains(i)).forEach(this::listen);
    all().filter(i -> socket(i).backlog().isPresent() && !past.contains(i)).forEach(this::accept);
    new UnixLinks(state, steps, script).early(this::ref);
    for (Waiting waiting : state.waiting()) {
      owner.as(Optional.of(waiting.by()));
      connect(waiting.client(), waiting.listener());
    }
    for (int i : all().filter(i -> socket(i).backlog().isPresent() && !past.contains(i)).toArray()) {
      owner.as(socket(i).peer());
      script.call(Nr.LISTEN, "its own backlog", Arg.result(ref(i)), Arg.imm(socket(i).backlog().orElseThrow()));
    }
    owner.back();
    all().filter(made::containsKey).forEach(i -> refs.note(self, String.valueOf(i), ref(i)));
    all().forEach(i -> socket(i).file().ifPresent(file -> refs.note(file, ref(i))));
    return keep(script.call(Nr.DUP, "a way to the unix sockets", Arg.result(ref(0))), "that way");
  }

  private boolean isAtItsName(int index) {
    return !socket(index).hasPath() || steps.place(index).isAtItsName();
  }

  private Ref<?> ref(int index) {
    Ref<?> ref = made.get(index);
    if (ref == null) {
      throw new IllegalArgumentException("unix socket " + index + " is used before it can be made");
    }
    return ref;
  }

  /// Out of the way of the numbers the planner gives.
  private Ref<?> keep(Ref<?> low, String what) {
    Ref<?> kept = script.call(Nr.FCNTL, "keep " + what + " out of the way", Arg.result(low),
        Arg.imm(F_DUPFD_CLOEXEC), Arg.imm(refs.spare().value()));
    script.call(Nr.CLOSE, "its low number", Arg.result(low));
    return kept;
  }

  private String why(int index) {
    return UnixSteps.why(socket(index), index);
  }

  private void create(int index) {
    made.put(index, keep(script.call(Nr.SOCKET, why(index), Arg.imm(SocketFacts.AF_UNIX),
        Arg.imm(socket(index).type() | SOCK_CLOEXEC), Arg.imm(0)), "it"));
  }

  private void join(Pair pair) {
    owner.as(socket(pair.one()).peer());
    Ref<?> ends = script.call(Nr.SOCKETPAIR, why(pair.one()) + " and " + why(pair.other()),
        Arg.imm(SocketFacts.AF_UNIX), Arg.imm(socket(pair.one()).type() | SOCK_CLOEXEC), Arg.imm(0), Arg.space(8));
    made.put(pair.one(), kept(ends, 0));
    made.put(pair.other(), kept(ends, 4));
  }

  private Ref<?> kept(Ref<?> ends, int offset) {
    Arg end = Arg.output(ends, 3, offset, 4);
    Ref<?> kept = script.call(Nr.FCNTL, "keep it out of the way", end, Arg.imm(F_DUPFD_CLOEXEC),
        Arg.imm(refs.spare().value()));
    script.call(Nr.CLOSE, "its low number", end);
    return kept;
  }

  private void bind(int index) {
    Socket socket = socket(index);
    bound.add(index);
    if (!socket.hasPath()) {
      bind(index, socket);
      return;
    }
    owner.back();
    if (steps.isTaken(index)) {
      bindAside(index, socket);
      return;
    }
    Place place = steps.place(index);
    enterFor(socket, place.bound());
    steps.unlink(place.bound(), "what is left of a socket");
    bind(index, socket);
    if (place.present()) {
      Arg at = Arg.path(place.bound());
      script.callByGivenName(Nr.FCHOWNAT, "owner of its file", Arg.imm(Open.AT_FDCWD), at, Arg.imm(place.uid()),
          Arg.imm(place.gid()), Arg.imm(0));
      script.callByGivenName(Nr.FCHMODAT, "permissions of its file", Arg.imm(Open.AT_FDCWD), at, Arg.imm(place.mode()));
    }
    if (!place.isAtItsName()) {
      script.call(Nr.RENAMEAT2, "its file away from its name", Arg.imm(Open.AT_FDCWD), Arg.path(place.bound()),
          Arg.imm(Open.AT_FDCWD), Arg.path(steps.file(index)), Arg.imm(0));
    }
  }

  /// A relative name is bound from the directory that it was.
  private void enterFor(Socket socket, PathBytes bound) {
    String name = new PathBytes(socket.name()).latin1();
    String text = bound.latin1();
    if (!name.startsWith("/")) {
      if (!text.endsWith("/" + name)) {
        throw new IllegalArgumentException("a unix socket bound to " + name + " was not made at " + text);
      }
      String base = text.substring(0, text.length() - name.length() - 1);
      steps.enter(PathBytes.of(base.isEmpty() ? "/" : base));
    }
  }

  /// Another file has the name by now and keeps it.
  private void bindAside(int index, Socket socket) {
    if (!new PathBytes(socket.name()).latin1().startsWith("/")) {
      enterFor(socket, steps.file(index));
      bind(index, socket);
      return;
    }
    Ref<?> root = keep(script.call(Nr.OPENAT, "the root directory", Arg.imm(Open.AT_FDCWD), Arg.string("/"),
        Arg.imm(OpenFlags.O_PATH | Open.O_CLOEXEC), Arg.imm(0)), "it");
    steps.changeRoot();
    bind(index, socket);
    steps.changeRootBack(root);
    script.call(Nr.CLOSE, "the root directory", Arg.result(root));
  }

  private void bind(int index, Socket socket) {
    Bytes address = UnixSteps.address(socket.name());
    script.call(Nr.BIND, "name of " + why(index), Arg.result(ref(index)), Arg.data(address),
        Arg.imm(address.length()));
  }

  private void listen(int index) {
    owner.as(socket(index).peer());
    script.call(Nr.LISTEN, "listen", Arg.result(ref(index)), Arg.imm(MANY));
  }

  private void pastListener(int index) {
    create(index);
    if (socket(index).binds()) {
      bind(index);
    }
    listen(index);
    accept(index);
    script.call(Nr.CLOSE, "a listener that is gone", Arg.result(ref(index)));
    made.remove(index);
    if (socket(index).hasPath() && !steps.place(index).present()) {
      owner.back();
      steps.unlink(steps.file(index), "its file");
    }
  }

  private void accept(int listener) {
    for (Pair pair : List.copyOf(state.pairs())) {
      if (pair.listener().equals(Optional.of(listener))) {
        owner.as(socket(pair.one()).peer());
        connect(pair.other(), listener);
        made.put(pair.one(), keep(script.call(Nr.ACCEPT4, why(pair.one()), Arg.result(ref(listener)), Arg.imm(0),
            Arg.imm(0), Arg.imm(SOCK_CLOEXEC)), "it"));
      }
    }
  }

  private void connect(int client, int listener) {
    Bytes address = steps.reach(listener);
    script.call(Nr.CONNECT, "connect " + why(client), Arg.result(ref(client)), Arg.data(address),
        Arg.imm(address.length()));
  }
}
