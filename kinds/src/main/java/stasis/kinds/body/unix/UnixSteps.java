package stasis.kinds.body.unix;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import stasis.image.ObjectId;
import stasis.kinds.body.unix.UnixBody.Place;
import stasis.kinds.body.unix.UnixBody.Socket;
import stasis.kinds.body.unix.UnixBody.State;
import stasis.kinds.file.SocketFacts;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FileStat;
import stasis.resource.Arg;
import stasis.resource.Host;
import stasis.resource.Ref;
import stasis.resource.Script;

/// How one socket reaches another by its name while names are being sorted out. A socket whose file is not to be found
/// under the name it bound is reached by a name of ours in the same directory, until `finish`.
final class UnixSteps {
  private static final int OWNER_ONLY = 0700;
  private static final int AT_REMOVEDIR = 0x200;

  private final State state;
  private final ObjectId self;
  private final Script script;
  private final PathBytes aside;
  private final Set<Integer> taken = new TreeSet<>();
  private Optional<PathBytes> directory = Optional.empty();

  UnixSteps(State state, ObjectId self, Script script, Host host) {
    this.state = state;
    for (int i = 0; i < state.sockets().size(); i++) {
      if (isTaken(state.sockets().get(i), host)) {
        taken.add(i);
      }
    }
    this.self = self;
    this.script = script;
    this.aside = free("/tmp/.stasis-names-" + state.maker() + "-" + self.value(), host);
  }

  /// Where a restore that was killed left something another name is taken.
  private static PathBytes free(String wanted, Host host) {
    PathBytes path = PathBytes.of(wanted);
    for (int i = 1; host.file(path).isPresent(); i++) {
      path = PathBytes.of(wanted + "-" + i);
    }
    return path;
  }

  static String why(Socket socket, int index) {
    return "unix socket " + (socket.file().isPresent() ? socket.file().get() : "gone, " + index)
        + (socket.name().isEmpty() ? "" : socket.hasPath() ? " " + new PathBytes(socket.name())
            : " @" + socket.name().slice(1, socket.name().length() - 1).latin1());
  }

  /// struct sockaddr_un.
  static Bytes address(Bytes name) {
    Bytes family = Bytes.of(new byte[] {SocketFacts.AF_UNIX, 0});
    return name.isEmpty() || name.u8(0) == 0 ? family.concat(name) : family.concat(name).concat(Bytes.zeros(1));
  }

  /// Where the root directory is while a name is bound that another file has by now.
  PathBytes aside() {
    return aside;
  }

  /// Whether another file has its name, which must stay: a socket whose own file is gone does not need that very place.
  static boolean isTaken(Socket socket, Host host) {
    return socket.binds() && socket.place().filter(place -> !place.present()).flatMap(place -> host.file(place.bound()))
        .filter(now -> now.type() != FileStat.S_IFSOCK).isPresent();
  }

  /// The file by which it can be connected to now.
  PathBytes file(int index) {
    Place place = place(index);
    if (taken.contains(index)) {
      return PathBytes.of(aside() + place.bound().latin1());
    }
    return place.isAtItsName() ? place.bound() : place.present() ? place.path()
        : PathBytes.of(parent(place.bound()) + "/.stasis-" + self.value() + "-" + index);
  }

  Place place(int index) {
    return state.sockets().get(index).place().orElseThrow(
        () -> new IllegalArgumentException("unix socket " + index + " has a path and no place"));
  }

  /// What connect(2) and sendto(2) are to be given, from the directory this enters for it.
  Bytes reach(int index) {
    Socket socket = state.sockets().get(index);
    if (socket.isAbstract()) {
      return address(socket.name());
    }
    PathBytes file = file(index);
    enter(parent(file));
    String text = file.latin1();
    return address(PathBytes.of(text.substring(text.lastIndexOf('/') + 1)).bytes());
  }

  /// Paths in an address are short: they are walked from here.
  void enter(PathBytes wanted) {
    if (!directory.equals(Optional.of(wanted))) {
      script.callByGivenName(Nr.CHDIR, "directory of a unix socket", Arg.path(wanted));
      directory = Optional.of(wanted);
    }
  }

  static PathBytes parent(PathBytes path) {
    String text = path.latin1();
    int slash = text.lastIndexOf('/');
    return PathBytes.of(slash <= 0 ? "/" : text.substring(0, slash));
  }

  /// Directories that sockets were bound in and that are no more: an address keeps its text, and only bind(2) makes
  /// one. From the top down.
  private List<PathBytes> missing(Host host) {
    var missing = new TreeSet<PathBytes>(Comparator.comparing(PathBytes::latin1));
    for (Socket socket : state.sockets()) {
      if (socket.binds() && socket.place().isPresent()) {
        PathBytes at = parent(socket.place().get().bound());
        while (host.file(at).isEmpty() && !parent(at).equals(at)) {
          missing.add(at);
          at = parent(at);
        }
      }
    }
    return List.copyOf(missing);
  }

  /// Directories as those above the names that are taken, from the top down.
  private List<PathBytes> asideDirectories() {
    var all = new TreeSet<PathBytes>(Comparator.comparing(PathBytes::latin1));
    for (int index : taken) {
      for (PathBytes at = parent(file(index)); at.latin1().startsWith(aside().latin1()); at = parent(at)) {
        all.add(at);
      }
    }
    return List.copyOf(all);
  }

  boolean isTaken(int index) {
    return taken.contains(index);
  }

  /// The name is looked up as ever, below another root.
  void changeRoot() {
    script.call(Nr.CHROOT, "where the name is free", Arg.path(aside()));
  }

  /// @param root the root directory, open
  void changeRootBack(Ref<?> root) {
    script.call(Nr.FCHDIR, "back", Arg.result(root));
    script.call(Nr.CHROOT, "the root directory again", Arg.string("."));
    directory = Optional.empty();
  }

  void makeDirectories(Host host) {
    asideDirectories().forEach(path -> script.callByGivenName(Nr.MKDIRAT, "for a moment, " + path,
        Arg.imm(Open.AT_FDCWD), Arg.path(path), Arg.imm(OWNER_ONLY)));
    missing(host).forEach(path -> script.callByGivenName(Nr.MKDIRAT, "for a moment, " + path,
        Arg.imm(Open.AT_FDCWD), Arg.path(path), Arg.imm(OWNER_ONLY)));
  }

  void removeDirectories(Host host) {
    asideDirectories().reversed().forEach(path -> script.callByGivenName(Nr.UNLINKAT, "gone again, " + path,
        Arg.imm(Open.AT_FDCWD), Arg.path(path), Arg.imm(AT_REMOVEDIR)));
    missing(host).reversed().forEach(path -> script.callByGivenName(Nr.UNLINKAT, "gone again, " + path,
        Arg.imm(Open.AT_FDCWD), Arg.path(path), Arg.imm(AT_REMOVEDIR)));
  }

  void unlink(PathBytes path, String reason) {
    script.callTolerating(Set.of(Errno.ENOENT), Nr.UNLINKAT, reason, Arg.imm(Open.AT_FDCWD), Arg.path(path),
        Arg.imm(0));
  }
}
