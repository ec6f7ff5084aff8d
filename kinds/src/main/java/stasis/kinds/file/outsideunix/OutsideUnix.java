package stasis.kinds.file.outsideunix;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.Outside;
import stasis.kinds.file.OpenFlags;
import stasis.kinds.file.Readiness;
import stasis.kinds.file.SocketFacts;
import stasis.kinds.file.SocketOption;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FileStat;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.FileKind;
import stasis.resource.Host;
import stasis.resource.Loss;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Provable;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.UnixSocket;

/// A unix socket whose peer is outside the tree, where its user gives the connection up or would have it made anew
/// (`--external-unix`).
public final class OutsideUnix implements FileKind<OutsideUnix.State> {
  /// @param type SOCK_* @param who had the peer @param flags O_NONBLOCK @param options other than a new socket's
  /// @param address of the peer, to connect to again; empty: it has hung up
  /// @param unread of a stream, what waited in it; given back where the peer has hung up
  /// @param messages of another, whether any waited in it: they are lost
  record State(@Tag(1) int type, @Tag(2) String who, @Tag(3) int flags, @Tag(4) List<SocketOption> options,
      @Tag(5) Optional<Bytes> address, @Tag(6) Bytes unread, @Tag(7) boolean messages) {
    State {
      options = List.copyOf(options);
    }
  }

  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "file.outsideunix", 1);
  private static final int ADDRESS_BYTES = 110;
  private static final int FAMILY_BYTES = 2;
  private static final int LAST_STANDARD = 2;
  private static final int F_SETFL = 4;
  private static final int SOCK_STREAM = 1;
  private static final int READABLE = 1;
  private static final int SIOCINQ = 0x541b;
  private static final int MSG_PEEK = 2;
  private static final int MSG_DONTWAIT = 0x40;
  private static final String READ_FIRST = "let the program read it first";
  /// Less than a new socket takes without a reader.
  private static final int UNREAD_MAX = 1 << 16;

  private final Outside.Sockets policy;

  public OutsideUnix(Outside.Sockets policy) {
    this.policy = policy;
  }

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(OpenFile file) {
    if (policy == Outside.Sockets.REFUSE || file.facts().type() != FileStat.S_IFSOCK
        || SocketFacts.domain(file) != SocketFacts.AF_UNIX || file.fd().value() <= LAST_STANDARD) {
      return false;
    }
    try {
      return file.holderOutside(file.link()).isEmpty() && file.unixSocket().flatMap(UnixSocket::peer)
          .filter(peer -> peer != 0 && file.socket(peer).isEmpty()).isPresent();
    } catch (ObstructedException e) {
      return false;
    }
  }

  @Override
  public State checkpoint(OpenFile file) throws ObstructedException {
    UnixSocket socket = file.unixSocket().orElseThrow();
    String who = file.holderOutside("socket:[" + socket.peer().orElseThrow() + "]").orElse("a task outside");
    boolean stream = socket.type() == SOCK_STREAM;
    return new State(socket.type(), who, OpenFlags.of(file) & OpenFlags.O_NONBLOCK, SocketOption.of(file),
        policy == Outside.Sockets.RECONNECT ? Optional.of(address(file, who)) : Optional.empty(),
        stream ? unread(file) : Bytes.EMPTY, !stream && (Readiness.of(file, READABLE) & READABLE) != 0);
  }

  /// A peek ends where descriptors begin.
  private static Bytes unread(OpenFile file) throws ObstructedException {
    Answer waiting = file.ask(Nr.IOCTL, Arg.self(), Arg.imm(SIOCINQ), Arg.space(4));
    int bytes = waiting.failed() ? 0 : waiting.output(2).u32(0);
    if (bytes == 0) {
      return Bytes.EMPTY;
    }
    if (bytes > UNREAD_MAX) {
      throw new ObstructedException(file.subject(), bytes + " bytes wait in it", READ_FIRST);
    }
    Answer peeked = file.ask(Nr.RECVFROM, Arg.self(), Arg.space(bytes), Arg.imm(bytes),
        Arg.imm(MSG_PEEK | MSG_DONTWAIT), Arg.imm(0), Arg.imm(0));
    if (peeked.result() != bytes) {
      throw new ObstructedException(file.subject(), "what waits in it cannot be looked at: descriptors, perhaps",
          READ_FIRST);
    }
    return peeked.output(1);
  }

  private static Bytes address(OpenFile file, String who) throws ObstructedException {
    Answer name = file.ask(Nr.GETPEERNAME, Arg.self(), Arg.space(ADDRESS_BYTES), Arg.data(Bytes.ofU32(ADDRESS_BYTES)));
    int length = name.failed() ? 0 : name.output(2).u32(0);
    Bytes address = length > FAMILY_BYTES ? name.output(1).slice(0, length) : Bytes.EMPTY;
    if (address.isEmpty() || address.u8(FAMILY_BYTES) != 0 && address.u8(FAMILY_BYTES) != '/') {
      throw new ObstructedException(file.subject(), "its peer, held by " + who + ", has no address to connect to again",
          "checkpoint with --external-unix=disconnect");
    }
    return address;
  }

  private static String text(Bytes address) {
    String name = address.slice(FAMILY_BYTES, address.length() - FAMILY_BYTES).toString();
    return name.replace("\0", "@").replaceFirst("@$", "");
  }

  private static Optional<PathBytes> path(Bytes address) {
    int end = FAMILY_BYTES;
    while (end < address.length() && address.u8(end) != 0) {
      end++;
    }
    return end == FAMILY_BYTES ? Optional.empty()
        : Optional.of(new PathBytes(address.slice(FAMILY_BYTES, end - FAMILY_BYTES)));
  }

  @Override
  public List<Loss> losses(State state) {
    boolean again = state.address().isPresent();
    return List.of(Loss.of("its peer is held by " + state.who() + " outside the tree: "
        + (again ? "it is connected anew; what the peer knew of the connection is lost" : "it comes back hung up")
        + (again && !state.unread().isEmpty() ? ", and " + state.unread().length() + " bytes that waited in it" : "")
        + (state.messages() ? "; messages that waited in it are lost" : "")));
  }

  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    return state.address().flatMap(OutsideUnix::path).filter(path -> host.file(path)
        .filter(facts -> facts.type() == FileStat.S_IFSOCK).isEmpty()).<Obstacle>map(path -> new Obstacle.HostLacks(
            "unix socket " + path, "nobody is there to connect to", "start its server")).stream().toList();
  }

  @Override
  public Ref<Fd> restore(State state, Script script, Refs refs) {
    Ref<Fd> socket = state.address().isPresent() ? connected(state, state.address().get(), script)
        : hungUp(state, script);
    if (state.flags() != 0) {
      script.call(Nr.FCNTL, "its status flags", Arg.result(socket), Arg.imm(F_SETFL), Arg.imm(state.flags()));
    }
    return socket;
  }

  private static Ref<Fd> connected(State state, Bytes address, Script script) {
    Ref<Fd> socket = script.call(Nr.SOCKET, "unix socket", Arg.imm(SocketFacts.AF_UNIX), Arg.imm(state.type()),
        Arg.imm(0));
    script.call(Nr.CONNECT, "connected again to " + text(address), Arg.result(socket), Arg.data(address),
        Arg.imm(address.length()));
    return socket;
  }

  /// What waited is sent by a peer that then goes.
  private static Ref<Fd> hungUp(State state, Script script) {
    Ref<?> pair = script.call(Nr.SOCKETPAIR, "unix socket whose peer hangs up", Arg.imm(SocketFacts.AF_UNIX),
        Arg.imm(state.type()), Arg.imm(0), Arg.space(8));
    if (!state.unread().isEmpty()) {
      script.callExpecting(state.unread().length(), Nr.SENDTO, "what waited in it", Arg.output(pair, 3, 4, 4),
          Arg.data(state.unread()), Arg.imm(state.unread().length()), Arg.imm(MSG_DONTWAIT), Arg.imm(0), Arg.imm(0));
    }
    script.call(Nr.CLOSE, "its peer", Arg.output(pair, 3, 4, 4));
    Ref<Fd> socket = script.call(Nr.DUP, "the other", Arg.output(pair, 3, 0, 4));
    script.call(Nr.CLOSE, "its first number", Arg.output(pair, 3, 0, 4));
    return socket;
  }

  @Override
  public void connect(State state, Fd self, Script script, Refs refs) {
    state.options().forEach(option -> option.set(self, script));
  }
  @Override
  public Provable<State> provable(State state) {
    return new Provable.Unseen<>("it leads out of the program; the copy has /dev/null there");
  }
}
