package stasis.kinds.file.unix;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.OpenFlags;
import stasis.kinds.file.SocketFacts;
import stasis.kinds.file.SocketOption;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.procfs.FileStat;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.BodyKey;
import stasis.resource.FileKind;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.UnixSocket;

/// A unix socket: its options and status flags. What it is to other sockets is the body of all of them.
public final class UnixFile implements FileKind<UnixFile.State> {
  /// What fstat(2) says of the socket itself; a file it is bound to has its own.
  record Attributes(@Tag(1) int mode, @Tag(2) int uid, @Tag(3) int gid) {}

  /// @param self this file @param flags O_NONBLOCK @param options other than those of a new socket
  /// @param filter classic BPF, 8 bytes an instruction; empty for none
  record State(@Tag(1) ObjectId self, @Tag(2) ObjectId body, @Tag(3) int flags, @Tag(4) List<SocketOption> options,
      @Tag(5) Bytes filter, @Tag(6) Attributes attributes) {
    State {
      options = List.copyOf(options);
    }
  }

  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "file.unix", 1);
  private static final int F_SETFL = 4;
  private static final int LAST_STANDARD = 2;
  private static final int PERMISSIONS = 07777;
  private static final int STATX_BASIC_STATS = 0x7ff;
  private static final int STATX_BYTES = 256;

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  /// On standard input, output and error only what is wholly inside: for the rest there is a rule of its own.
  @Override
  public boolean recognises(OpenFile file) {
    return file.facts().type() == FileStat.S_IFSOCK && SocketFacts.domain(file) == SocketFacts.AF_UNIX
        && (file.fd().value() > LAST_STANDARD || isInside(file));
  }

  private static boolean isInside(OpenFile file) {
    try {
      Optional<UnixSocket> socket = file.unixSocket();
      return socket.isPresent() && !file.isHeldElsewhere()
          && socket.get().peer().filter(peer -> peer != 0 && file.socket(peer).isEmpty()).isEmpty();
    } catch (ObstructedException e) {
      return false;
    }
  }

  @Override
  public State checkpoint(OpenFile file) throws ObstructedException {
    Optional<String> holder = file.holderOutside(file.link());
    if (holder.isPresent()) {
      throw new ObstructedException(file.subject(), holder.get() + ", outside the program, has it open too",
          "checkpoint that task too, or let it close the socket");
    }
    if (file.unixSocket().isEmpty()) {
      throw new ObstructedException(file.subject(), "it belongs to another network namespace", "");
    }
    Answer stat = file.ask(Nr.STATX, Arg.self(), Arg.string(""), Arg.imm(Open.AT_EMPTY_PATH),
        Arg.imm(STATX_BASIC_STATS), Arg.space(STATX_BYTES));
    if (stat.failed()) {
      throw new ObstructedException(file.subject(), "it cannot be looked at", "run with CAP_SYS_PTRACE");
    }
    Bytes seen = stat.output(4);
    return new State(file.id(), file.body(new BodyKey("body.unix", 0, 0)), OpenFlags.of(file),
        SocketOption.of(file), SocketOption.filter(file),
        new Attributes(seen.u16(28) & PERMISSIONS, seen.u32(20), seen.u32(24)));
  }

  @Override
  public Set<ObjectId> needs(State state) {
    return Set.of(state.body());
  }

  @Override
  public Ref<Fd> restore(State state, Script script, Refs refs) {
    return new Ref<>(refs.noted(state.self()).orElseThrow(
        () -> new IllegalStateException(state.self() + " is no socket of its body")).step());
  }

  /// Options come after what waits in it has been delivered: a filter, for one, would judge it again.
  @Override
  public void connect(State state, Fd self, Script script, Refs refs) {
    Arg fd = Arg.imm(self.value());
    Attributes attributes = state.attributes();
    // A user namespace may not have them.
    script.callTolerating(Set.of(Errno.EPERM, Errno.EINVAL), Nr.FCHOWN, "owner of the socket",
        fd, Arg.imm(attributes.uid()), Arg.imm(attributes.gid()));
    if (attributes.mode() != 0777) {
      script.call(Nr.FCHMOD, "mode of the socket", fd, Arg.imm(attributes.mode()));
    }
    SocketOption.attach(state.filter(), self, script);
    state.options().forEach(option -> option.set(self, script));
    if ((state.flags() & ~(OpenFlags.O_ACCMODE | OpenFlags.O_LARGEFILE)) != 0) {
      script.call(Nr.FCNTL, "its status flags", fd, Arg.imm(F_SETFL), Arg.imm(state.flags()));
    }
  }
}
