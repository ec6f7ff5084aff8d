package stasis.kinds.body.unix;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import stasis.image.ObjectId;
import stasis.kinds.body.unix.UnixBody.Message;
import stasis.kinds.body.unix.UnixBody.Sender;
import stasis.kinds.body.unix.UnixBody.Place;
import stasis.kinds.body.unix.UnixBody.Socket;
import stasis.kinds.body.unix.UnixBody.State;
import stasis.kinds.file.SocketFacts;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.resource.Arg;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// Puts what was on its way into restored unix sockets, then ends what had ended.
final class UnixDelivery {
  private static final int SO_SNDBUFFORCE = 32;
  private static final int SO_BUF_LOCK = 72;
  private static final int MSG_DONTWAIT = 0x40;
  private static final int MSG_NOSIGNAL = 0x4000;
  private static final int SCM_RIGHTS = 1;
  private static final int SCM_CREDENTIALS = 2;
  private static final int CONTROL_HEADER_BYTES = 16;
  private static final int MESSAGE_HEADER_BYTES = 56;
  private static final int ROOM_BYTES = 1 << 24;
  /// What a message costs its sender beyond its bytes, generously (include/linux/skbuff.h, SKB_TRUESIZE()).
  private static final int OVERHEAD_BYTES = 4096;
  private static final int CHUNK_BYTES = 1 << 15;

  private final State state;
  private final ObjectId self;
  private final Script script;
  private final Refs refs;
  private final UnixSteps steps;

  UnixDelivery(State state, ObjectId self, Script script, Refs refs) {
    this.state = state;
    this.self = self;
    this.script = script;
    this.refs = refs;
    this.steps = new UnixSteps(state, self, script, refs.host());
  }

  void finish() {
    Set<Integer> crowded = state.messages().stream().map(Message::from).filter(this::needsRoom)
        .collect(Collectors.toSet());
    crowded.stream().sorted().forEach(this::makeRoom);
    for (Message message : state.messages()) {
      deliver(message);
    }
    crowded.stream().sorted().filter(i -> socket(i).file().isPresent()).forEach(this::endRoom);
    new UnixLinks(state, steps, script).late(this::ref);
    for (int i = 0; i < state.sockets().size(); i++) {
      end(i);
    }
    for (int i = 0; i < state.sockets().size(); i++) {
      close(i);
    }
    steps.removeDirectories(refs.host());
  }

  private Socket socket(int index) {
    return state.sockets().get(index);
  }

  private Ref<?> ref(int index) {
    return socket(index).file().isPresent() ? refs.fd(socket(index).file().get())
        : refs.noted(self, String.valueOf(index));
  }

  private boolean needsRoom(int sender) {
    long bytes = 0;
    for (Message message : state.messages()) {
      if (message.from() == sender) {
        bytes += message.data().length() + OVERHEAD_BYTES;
      }
    }
    return socket(sender).file().isEmpty() ? bytes > CHUNK_BYTES : bytes > socket(sender).sendBuffer() / 2;
  }

  private void makeRoom(int sender) {
    Arg room = Arg.data(Bytes.ofU32(ROOM_BYTES));
    option(sender, SocketFacts.SO_SNDBUF, room, "room to send");
    script.callTolerating(Set.of(Errno.EPERM), Nr.SETSOCKOPT, "more room to send", Arg.result(ref(sender)),
        Arg.imm(SocketFacts.SOL_SOCKET), Arg.imm(SO_SNDBUFFORCE), room, Arg.imm(4));
  }

  /// The kernel doubles what it is given.
  private void endRoom(int sender) {
    option(sender, SocketFacts.SO_SNDBUF, Arg.data(Bytes.ofU32(socket(sender).sendBuffer() / 2)), "its own room");
    script.callTolerating(Set.of(Errno.EPERM), Nr.SETSOCKOPT, "its own room", Arg.result(ref(sender)),
        Arg.imm(SocketFacts.SOL_SOCKET), Arg.imm(SO_SNDBUFFORCE),
        Arg.data(Bytes.ofU32(socket(sender).sendBuffer() / 2)), Arg.imm(4));
    option(sender, SO_BUF_LOCK, Arg.data(Bytes.ofU32(socket(sender).bufferLocks())), "chosen by whom");
  }

  private void option(int index, int name, Arg value, String why) {
    script.call(Nr.SETSOCKOPT, why, Arg.result(ref(index)), Arg.imm(SocketFacts.SOL_SOCKET), Arg.imm(name), value,
        Arg.imm(4));
  }

  /// Descriptors come with the first byte of their message.
  private void deliver(Message message) {
    boolean stream = socket(message.to()).type() == UnixBody.SOCK_STREAM;
    int from = 0;
    int length = message.data().length();
    do {
      int chunk = stream ? Math.min(CHUNK_BYTES, length - from) : length;
      send(message, message.data().slice(from, chunk), from == 0 ? message.files() : List.of());
      from += chunk;
    } while (from < length);
  }

  private void send(Message message, Bytes data, List<ObjectId> files) {
    List<Arg.Patch> patches = new ArrayList<>();
    Bytes header = Bytes.zeros(MESSAGE_HEADER_BYTES).withU64(24, 1);
    boolean connected = state.pairs().stream().anyMatch(
        pair -> pair.one() == message.from() && pair.other() == message.to()
            || pair.other() == message.from() && pair.one() == message.to());
    if (!connected) {
      Bytes address = steps.reach(message.to());
      header = header.withU32(8, address.length());
      patches.add(new Arg.Patch(0, 8, Arg.data(address)));
    }
    patches.add(new Arg.Patch(16, 8, new Arg.Struct(Bytes.ofU64(0, data.length()),
        List.of(new Arg.Patch(0, 8, Arg.data(data))))));
    List<Arg.Patch> inControl = new ArrayList<>();
    Bytes control = control(message, files, inControl);
    if (!control.isEmpty()) {
      header = header.withU64(40, control.length());
      patches.add(new Arg.Patch(32, 8, new Arg.Struct(control, inControl)));
    }
    script.callExpecting(data.length(), Nr.SENDMSG, "on its way to " + UnixSteps.why(socket(message.to()),
        message.to()), Arg.result(ref(message.from())), new Arg.Struct(header, patches),
        Arg.imm(MSG_DONTWAIT | MSG_NOSIGNAL));
  }

  /// A task that is not there cannot be named as sender; the maker stands for it.
  private Bytes control(Message message, List<ObjectId> files, List<Arg.Patch> patches) {
    Bytes control = Bytes.EMPTY;
    if (message.sender().isPresent()) {
      Sender sender = message.sender().get();
      control = Bytes.ofU64(CONTROL_HEADER_BYTES + 12).concat(Bytes.ofU32(SocketFacts.SOL_SOCKET, SCM_CREDENTIALS,
          refs.pidOf(sender.task().orElse(script.task())), sender.uid(), sender.gid(), 0));
    }
    if (!files.isEmpty()) {
      int at = control.length() + CONTROL_HEADER_BYTES;
      control = control.concat(Bytes.ofU64(CONTROL_HEADER_BYTES + 4L * files.size()))
          .concat(Bytes.ofU32(SocketFacts.SOL_SOCKET, SCM_RIGHTS)).concat(Bytes.zeros((files.size() + 1 & ~1) * 4));
      for (int i = 0; i < files.size(); i++) {
        patches.add(new Arg.Patch(at + 4 * i, 4, Arg.result(refs.fd(files.get(i)))));
      }
    }
    return control;
  }

  private void end(int index) {
    Socket socket = socket(index);
    boolean hungUp = state.pairs().stream().anyMatch(pair -> pair.one() == index && isClosed(pair.other())
        || pair.other() == index && isClosed(pair.one()));
    if (socket.reset()) {
      script.callExpecting(1, Nr.WRITE, "a byte that nobody reads", Arg.result(ref(index)),
          Arg.data(Bytes.zeros(1)), Arg.imm(1));
    }
    if (socket.shutdown() != 0 && (socket.isDatagram() || !hungUp)) {
      script.call(Nr.SHUTDOWN, "shut down", Arg.result(ref(index)), Arg.imm(socket.shutdown() - 1L));
    }
  }

  private boolean isClosed(int index) {
    return socket(index).file().isEmpty();
  }

  private void close(int index) {
    Socket socket = socket(index);
    boolean wasListener = socket.file().isEmpty() && socket.backlog().isPresent();
    if (isClosed(index) && !wasListener) {
      script.call(Nr.CLOSE, "nobody has it open any more", Arg.result(ref(index)));
    }
    if (socket.hasPath() && socket.binds() && !wasListener && !socket.place().map(Place::present).orElse(false)) {
      steps.unlink(steps.file(index), "its file, which is gone");
    }
  }
}
