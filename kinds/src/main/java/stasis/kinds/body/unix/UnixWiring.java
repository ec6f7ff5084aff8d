package stasis.kinds.body.unix;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import stasis.kinds.body.unix.UnixBody.Link;
import stasis.kinds.body.unix.UnixBody.Message;
import stasis.kinds.body.unix.UnixBody.Owner;
import stasis.kinds.body.unix.UnixBody.Pair;
import stasis.kinds.body.unix.UnixBody.Place;
import stasis.kinds.body.unix.UnixBody.Sender;
import stasis.kinds.body.unix.UnixBody.Socket;
import stasis.kinds.body.unix.UnixBody.State;
import stasis.kinds.body.unix.UnixBody.Waiting;
import stasis.kinds.file.Readiness;
import stasis.kinds.file.SocketFacts;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.BodyView;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.UnixSocket;

/// Finds out how the unix sockets of a tree belong together.
final class UnixWiring {
  private static final int SO_PEERCRED = 17;
  private static final int SO_BUF_LOCK = 72;
  private static final int SHUT_BOTH = 3;
  private static final String OUTSIDE = "checkpoint both ends' tasks together, or with --external-unix, or let the program"
      + " close it before";
  private static final String ACCEPT = "let the program accept its connections before the checkpoint";

  /// A socket in the making. `closed` stands for one nobody has open.
  private record Node(OpenFile file, UnixSocket facts, boolean closed, Bytes name, Optional<Place> place,
      Optional<Owner> peer) {
    boolean listens() {
      return !closed && facts.state() == UnixSocket.LISTENING;
    }

    boolean isConnected() {
      return facts.state() == UnixSocket.CONNECTED && facts.type() != UnixBody.SOCK_DGRAM;
    }

    boolean hasNameOf(Node other) {
      return !name.isEmpty() && name.equals(other.name()) && facts.type() == other.facts().type()
          && (closed || facts.fileInode().equals(other.facts().fileInode()));
    }
  }

  private record Listener(int type, Bytes name, Optional<Place> place) {}

  private final List<Node> nodes = new ArrayList<>();
  private final Map<Long, Integer> byInode = new HashMap<>();
  private final List<Pair> pairs = new ArrayList<>();
  private final List<Waiting> waiting = new ArrayList<>();
  private final List<Link> links = new ArrayList<>();
  private final List<Message> messages = new ArrayList<>();
  private final Map<Listener, Integer> pastListeners = new HashMap<>();
  private final int maker;

  UnixWiring(BodyView body) throws ObstructedException {
    maker = body.files().getFirst().rootPid();
    for (OpenFile file : body.files().stream().sorted(Comparator.comparing(OpenFile::id)).toList()) {
      Optional<UnixSocket> facts = file.unixSocket();
      if (facts.isEmpty()) {
        throw new ObstructedException(file.subject(), "it belongs to another network namespace", "");
      }
      byInode.put(facts.get().inode(), nodes.size());
      nodes.add(new Node(file, facts.get(), false, facts.get().name(), UnixNames.of(file, facts.get()),
          owner(file)));
    }
  }

  State state() throws ObstructedException {
    int open = nodes.size();
    for (int i = 0; i < open; i++) {
      if (nodes.get(i).listens()) {
        queue(i);
      }
    }
    for (int i = 0; i < open; i++) {
      connection(i);
    }
    for (int i = 0; i < open; i++) {
      messages(i);
    }
    var sockets = new ArrayList<Socket>();
    for (int i = 0; i < nodes.size(); i++) {
      sockets.add(socket(i));
    }
    return new State(sockets, pairs, waiting, links, messages, maker);
  }

  private Socket socket(int index) {
    Node node = nodes.get(index);
    boolean accepted = pairs.stream().anyMatch(pair -> pair.listener().isPresent() && pair.one() == index);
    Optional<Integer> backlog = pastListeners.containsValue(index) ? Optional.of(1)
        : node.listens() ? Optional.of(node.facts().backlog()) : Optional.empty();
    if (node.closed()) {
      return new Socket(Optional.empty(), node.facts().type(), node.name(), !node.name().isEmpty() && !accepted,
          node.place(), backlog, node.peer(), 0, false, 0, 0);
    }
    boolean reset = node.isConnected() && (Readiness.of(node.file()) & Readiness.ERROR) != 0;
    return new Socket(Optional.of(node.file().id()), node.facts().type(), node.name(),
        !node.name().isEmpty() && !accepted, node.place(), backlog, node.peer(), node.facts().shutdown(), reset,
        SocketFacts.option(node.file(), SocketFacts.SO_SNDBUF),
        Math.max(0, SocketFacts.option(node.file(), SO_BUF_LOCK)));
  }

  private static Optional<Owner> owner(OpenFile file) {
    Answer answer = file.ask(Nr.GETSOCKOPT, Arg.self(), Arg.imm(SocketFacts.SOL_SOCKET), Arg.imm(SO_PEERCRED),
        Arg.space(12), Arg.data(Bytes.ofU32(12)));
    if (answer.failed() || answer.output(3).u32(0) == 0) {
      return Optional.empty();
    }
    Bytes cred = answer.output(3);
    return Optional.of(new Owner(cred.u32(0), cred.u32(4), cred.u32(8)));
  }

  /// Connections a listener has not accepted: what was sent on them lies where nobody can read it yet.
  private void queue(int listener) throws ObstructedException {
    Node node = nodes.get(listener);
    for (long inode : node.facts().waiting()) {
      Integer client = byInode.get(inode);
      if (client == null) {
        throw new ObstructedException(node.file().subject(), "a connection waits in it that "
            + (inode == 0 ? "its client has closed already" : holder(node, inode) + " has begun"), ACCEPT);
      }
      Node other = nodes.get(client);
      if (other.facts().unsent() > 0) {
        throw new ObstructedException(other.file().subject(), "it has sent data on a connection that was not accepted"
            + " yet", ACCEPT);
      }
      var status = other.file().task().status();
      waiting.add(new Waiting(listener, client, new Owner(maker, (int) status.uid().effective(),
          (int) status.gid().effective())));
    }
  }

  private static String holder(Node node, long inode) {
    return node.file().holderOutside("socket:[" + inode + "]").orElse("a task outside");
  }

  private void connection(int index) throws ObstructedException {
    Node node = nodes.get(index);
    for (long inode : node.facts().peers()) {
      if (!byInode.containsKey(inode)) {
        throw new ObstructedException(node.file().subject(), holder(node, inode) + " is connected to it", OUTSIDE);
      }
    }
    if (node.listens() || node.facts().peer().isEmpty()) {
      return;
    }
    long inode = node.facts().peer().get();
    Integer peer = byInode.get(inode);
    if (peer == null && inode != 0) {
      throw new ObstructedException(node.file().subject(), "its peer is held by " + holder(node, inode), OUTSIDE);
    }
    if (node.facts().type() == UnixBody.SOCK_DGRAM) {
      datagram(index, peer == null ? closedPeer(node) : peer);
    } else if (peer != null) {
      if (index < peer) {
        pair(index, peer);
      }
    } else if (node.facts().shutdown() == SHUT_BOTH) {
      pair(index, closedPeer(node));
    } else if (waiting.stream().noneMatch(one -> one.client() == index)) {
      throw new ObstructedException(node.file().subject(), "a server outside has not accepted its connection yet",
          OUTSIDE);
    }
  }

  /// One that hung up: its address is still known.
  private int closedPeer(Node node) throws ObstructedException {
    Answer answer = node.file().ask(Nr.GETPEERNAME, Arg.self(), Arg.space(110), Arg.data(Bytes.ofU32(110)));
    Bytes name = Bytes.EMPTY;
    if (!answer.failed() && answer.output(2).u32(0) > 2) {
      Bytes address = answer.output(1).slice(2, answer.output(2).u32(0) - 2);
      name = address.u8(0) == 0 ? address : address.slice(0, address.latin1().length());
    }
    return closed(node, name);
  }

  private int closed(Node near, Bytes name) throws ObstructedException {
    nodes.add(new Node(near.file(), near.facts(), true, name, UnixNames.ofClosed(near.file(), name), near.peer()));
    return nodes.size() - 1;
  }

  /// Who of the two was accepted is told by its name, which is its listener's.
  private void pair(int one, int other) {
    Node first = nodes.get(one);
    Node second = nodes.get(other);
    if (first.name().isEmpty() && second.name().isEmpty()) {
      pairs.add(new Pair(one, other, Optional.empty()));
      return;
    }
    for (int i = 0; i < nodes.size(); i++) {
      Node listener = nodes.get(i);
      if (listener.listens() && (first.hasNameOf(listener) || second.hasNameOf(listener))) {
        boolean isFirst = first.hasNameOf(listener);
        pairs.add(new Pair(isFirst ? one : other, isFirst ? other : one, Optional.of(i)));
        return;
      }
    }
    // A socket is given its inode when it is accepted, later than the one that connected.
    boolean isFirst = second.name().isEmpty() || !first.name().isEmpty() && first.closed()
        || !first.name().isEmpty() && !second.closed() && first.facts().inode() > second.facts().inode();
    Node server = isFirst ? first : second;
    Node client = isFirst ? second : first;
    var key = new Listener(server.facts().type(), server.name(), server.place());
    int listener = pastListeners.computeIfAbsent(key, _ -> {
      nodes.add(new Node(server.file(), server.facts(), true, server.name(), server.place(), client.peer()));
      return nodes.size() - 1;
    });
    pairs.add(new Pair(isFirst ? one : other, isFirst ? other : one, Optional.of(listener)));
  }

  /// Only socketpair(2) tells datagram sockets who their peer is, and only it joins those without a name.
  private void datagram(int index, int peer) throws ObstructedException {
    Node node = nodes.get(index);
    Node other = nodes.get(peer);
    boolean mutual = other.closed() || other.facts().peer().equals(Optional.of(node.facts().inode()));
    if (mutual && (other.name().isEmpty() || node.peer().isPresent())) {
      if (index < peer) {
        pairs.add(new Pair(index, peer, Optional.empty()));
      }
    } else if (other.name().isEmpty()) {
      throw new ObstructedException(node.file().subject(), "it is connected to a socket that has no address and is"
          + " not connected to it", "let the program close it before the checkpoint");
    } else if (pairs.stream().noneMatch(pair -> pair.other() == index)) {
      links.add(new Link(index, peer));
    }
  }

  private void messages(int index) throws ObstructedException {
    Node node = nodes.get(index);
    for (UnixSocket.Message message : node.facts().queue()) {
      int from = sender(index, message.source());
      Optional<Sender> sender = message.sender().map(
          who -> new Sender(who.pid(), node.file().taskInTree(who.pid()), who.uid(), who.gid()));
      messages.add(new Message(from, index, message.data(), sender, message.files()));
    }
  }

  private int sender(int to, Bytes source) throws ObstructedException {
    Node node = nodes.get(to);
    for (Pair pair : pairs) {
      if (pair.one() == to || pair.other() == to) {
        int peer = pair.one() == to ? pair.other() : pair.one();
        if (node.facts().type() == UnixBody.SOCK_DGRAM && !nodes.get(peer).name().equals(source)) {
          throw new ObstructedException(node.file().subject(), "a message waits in it from one that is not its peer",
              "let the program read it before the checkpoint");
        }
        return peer;
      }
    }
    for (Link link : links) {
      if (link.from() == to && nodes.get(link.to()).name().equals(source)) {
        return link.to();
      }
    }
    for (int i = 0; i < nodes.size(); i++) {
      Node other = nodes.get(i);
      if (other.facts().type() == UnixBody.SOCK_DGRAM && !pastListeners.containsValue(i)
          && (source.isEmpty() ? other.closed() : true) && other.name().equals(source)) {
        return i;
      }
    }
    if (node.name().isEmpty()) {
      throw new ObstructedException(node.file().subject(), "a message waits in it though it has no address",
          "let the program read it before the checkpoint");
    }
    return closed(node, source);
  }
}
