package stasis.kinds.body.pipe;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.OpenFlags;
import stasis.kinds.file.PipeContents;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.resource.Arg;
import stasis.resource.BodyKind;
import stasis.resource.BodyView;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// An unnamed pipe: how much it holds, and what is in it. Bytes on their way are copied, not taken (tee(2)).
public final class PipeBody implements BodyKind<PipeBody.State> {
  /// @param capacityBytes as F_GETPIPE_SZ says @param content unread bytes @param packets lengths of the packets they
  ///     are (O_DIRECT of pipe2(2)), empty for a stream
  record State(@Tag(1) int capacityBytes, @Tag(2) Bytes content, @Tag(3) List<Integer> packets) {
    State {
      packets = List.copyOf(packets);
      if (capacityBytes <= 0 || content.length() > capacityBytes) {
        throw new IllegalArgumentException("a pipe of " + capacityBytes + " bytes cannot hold " + content.length());
      }
      long inPackets = 0;
      for (int length : packets) {
        if (length <= 0) {
          throw new IllegalArgumentException("a packet of " + length + " bytes");
        }
        inPackets += length;
      }
      if (!packets.isEmpty() && inPackets != content.length()) {
        throw new IllegalArgumentException(content.length() + " bytes are not packets of " + inPackets);
      }
    }
  }

  /// Names under which the two descriptions that pipe2(2) made are noted.
  private static final String READ_END = "read end";
  private static final String WRITE_END = "write end";
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "body.pipe", 2);
  private static final int F_SETPIPE_SZ = 1031;
  private static final int F_DUPFD_CLOEXEC = 1030;
  private static final int F_SETFL = 4;
  private static final int O_NONBLOCK_CLOEXEC = 0x80800;
  private static final int ENDS_BYTES = 8;

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public State checkpoint(BodyView body) throws ObstructedException {
    OpenFile any = body.files().getFirst();
    int capacity = PipeContents.capacity(any);
    int unread = PipeContents.unread(any);
    Optional<OpenFile> reader = body.files().stream().filter(f -> OpenFlags.isReadable(f.info().flags())).findFirst();
    if (unread == 0 || reader.isEmpty()) {
      // What nobody can read any more need not come back.
      return new State(capacity, Bytes.EMPTY, List.of());
    }
    List<Bytes> parts = PipeContents.parts(reader.get(), capacity, unread);
    boolean packets = parts.size() > 1
        || body.files().stream().anyMatch(file -> (file.info().flags() & OpenFlags.O_DIRECT) != 0);
    return new State(capacity, parts.stream().reduce(Bytes.EMPTY, Bytes::concat),
        packets ? parts.stream().map(Bytes::length).toList() : List.of());
  }

  /// The read end stays, as the way to open the pipe anew; until `finish` both of pipe2(2)'s own are noted.
  @Override
  public Ref<?> restore(State state, ObjectId self, Script script, Refs refs) {
    Ref<?> pipe = script.call(Nr.PIPE2, "pipe " + self, Arg.space(ENDS_BYTES), Arg.imm(O_NONBLOCK_CLOEXEC));
    Arg out = Arg.output(pipe, 0, 0, 4);
    Arg in = Arg.output(pipe, 0, 4, 4);
    script.call(Nr.FCNTL, "its capacity", in, Arg.imm(F_SETPIPE_SZ), Arg.imm(state.capacityBytes()));
    if (!state.content().isEmpty()) {
      fill(state, in, script);
    }
    Ref<?> kept = script.call(Nr.DUP, "the way to it", out);
    refs.note(self, READ_END, keep(out, "read", script, refs));
    refs.note(self, WRITE_END, keep(in, "write", script, refs));
    return kept;
  }

  /// The flag of the writing end makes packets of what it writes; each kind of file sets its own later.
  private static void fill(State state, Arg in, Script script) {
    if (!state.packets().isEmpty()) {
      script.call(Nr.FCNTL, "packets", in, Arg.imm(F_SETFL), Arg.imm(OpenFlags.O_DIRECT));
    }
    int from = 0;
    for (int length : state.packets().isEmpty() ? List.of(state.content().length()) : state.packets()) {
      script.callExpecting(length, Nr.WRITE, "its unread bytes", in, Arg.data(state.content().slice(from, length)),
          Arg.imm(length));
      from += length;
    }
  }

  private static Ref<?> keep(Arg end, String name, Script script, Refs refs) {
    Ref<?> kept = script.call(Nr.FCNTL, "keep its first " + name + " end out of the way", end,
        Arg.imm(F_DUPFD_CLOEXEC), Arg.imm(refs.spare().value()));
    script.call(Nr.CLOSE, "its low number", end);
    return kept;
  }

  @Override
  public void finish(State state, ObjectId self, Script script, Refs refs) {
    script.call(Nr.CLOSE, "its first read end", Arg.result(refs.noted(self, READ_END)));
    script.call(Nr.CLOSE, "its first write end", Arg.result(refs.noted(self, WRITE_END)));
  }
}
