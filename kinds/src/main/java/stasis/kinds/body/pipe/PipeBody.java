package stasis.kinds.body.pipe;

import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.OpenFlags;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.resource.Answer;
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
  /// @param capacityBytes as F_GETPIPE_SZ says @param content unread bytes
  record State(@Tag(1) int capacityBytes, @Tag(2) Bytes content) {
    State {
      if (capacityBytes <= 0 || content.length() > capacityBytes) {
        throw new IllegalArgumentException("a pipe of " + capacityBytes + " bytes cannot hold " + content.length());
      }
    }
  }

  /// Names under which the two descriptions that pipe2(2) made are noted.
  private static final String READ_END = "read end";
  private static final String WRITE_END = "write end";
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "body.pipe", 1);
  private static final int F_SETPIPE_SZ = 1031;
  private static final int F_DUPFD_CLOEXEC = 1030;
  private static final int F_GETPIPE_SZ = 1032;
  private static final int FIONREAD = 0x541b;
  private static final int SPLICE_F_NONBLOCK = 2;
  private static final int O_NONBLOCK_CLOEXEC = 0x80800;
  private static final int ENDS_BYTES = 8;

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public State checkpoint(BodyView body) throws ObstructedException {
    OpenFile any = body.files().getFirst();
    int capacity = (int) require(any, any.ask(Nr.FCNTL, Arg.self(), Arg.imm(F_GETPIPE_SZ)), "its capacity").result();
    int unread = require(any, any.ask(Nr.IOCTL, Arg.self(), Arg.imm(FIONREAD), Arg.space(4)), "how full it is")
        .output(2).u32(0);
    Optional<OpenFile> reader = body.files().stream().filter(f -> OpenFlags.isReadable(f.info().flags())).findFirst();
    if (unread == 0 || reader.isEmpty()) {
      // What nobody can read any more need not come back.
      return new State(capacity, Bytes.EMPTY);
    }
    for (OpenFile file : body.files()) {
      if ((file.info().flags() & OpenFlags.O_DIRECT) != 0) {
        throw new ObstructedException(file.subject(), "a pipe in packet mode (O_DIRECT) with unread packets cannot be"
            + " carried", "let the program read them before the checkpoint");
      }
    }
    return new State(capacity, peek(reader.get(), capacity, unread));
  }

  private static Bytes peek(OpenFile reader, int capacity, int unread) throws ObstructedException {
    Bytes ends = require(reader, reader.ask(Nr.PIPE2, Arg.space(ENDS_BYTES), Arg.imm(O_NONBLOCK_CLOEXEC)),
        "a pipe to copy it to").output(0);
    Arg out = Arg.imm(ends.u32(0));
    Arg in = Arg.imm(ends.u32(4));
    try {
      require(reader, reader.ask(Nr.FCNTL, in, Arg.imm(F_SETPIPE_SZ), Arg.imm(capacity)), "room to copy it to");
      Answer copied = reader.ask(Nr.TEE, Arg.self(), in, Arg.imm(capacity), Arg.imm(SPLICE_F_NONBLOCK));
      List<Bytes> parts = new ArrayList<>();
      int got = 0;
      while (!copied.failed() && got < copied.result()) {
        Answer part = require(reader, reader.ask(Nr.READ, out, Arg.space(unread), Arg.imm(unread)), "its contents");
        parts.add(part.output(1).slice(0, (int) part.result()));
        got += (int) part.result();
      }
      if (got != unread) {
        throw new ObstructedException(reader.subject(), "of its " + unread + " unread bytes only " + got
            + " can be copied", "let the program read them before the checkpoint");
      }
      return parts.stream().reduce(Bytes.EMPTY, Bytes::concat);
    } finally {
      reader.ask(Nr.CLOSE, out);
      reader.ask(Nr.CLOSE, in);
    }
  }

  private static Answer require(OpenFile file, Answer answer, String what) throws ObstructedException {
    if (answer.failed()) {
      throw new ObstructedException(file.subject(), what + " cannot be had: " + Errno.of(answer.result()),
          "run with CAP_SYS_PTRACE and, for large pipes, CAP_SYS_RESOURCE");
    }
    return answer;
  }

  /// The read end stays, as the way to open the pipe anew; until `finish` both of pipe2(2)'s own are noted.
  @Override
  public Ref<?> restore(State state, ObjectId self, Script script, Refs refs) {
    Ref<?> pipe = script.call(Nr.PIPE2, "pipe " + self, Arg.space(ENDS_BYTES), Arg.imm(O_NONBLOCK_CLOEXEC));
    Arg out = Arg.output(pipe, 0, 0, 4);
    Arg in = Arg.output(pipe, 0, 4, 4);
    script.call(Nr.FCNTL, "its capacity", in, Arg.imm(F_SETPIPE_SZ), Arg.imm(state.capacityBytes()));
    if (!state.content().isEmpty()) {
      script.callExpecting(state.content().length(), Nr.WRITE, "its unread bytes", in, Arg.data(state.content()),
          Arg.imm(state.content().length()));
    }
    Ref<?> kept = script.call(Nr.DUP, "the way to it", out);
    refs.note(self, READ_END, keep(out, "read", script, refs));
    refs.note(self, WRITE_END, keep(in, "write", script, refs));
    return kept;
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
