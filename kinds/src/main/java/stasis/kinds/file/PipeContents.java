package stasis.kinds.file;

import java.util.ArrayList;
import java.util.List;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;

/// What is in a pipe or FIFO, looked at without taking it: tee(2) copies it to a pipe of the engine's own.
public final class PipeContents {
  private static final int F_SETPIPE_SZ = 1031;
  private static final int F_GETPIPE_SZ = 1032;
  private static final int FIONREAD = 0x541b;
  private static final int SPLICE_F_NONBLOCK = 2;
  private static final int O_NONBLOCK_CLOEXEC = 0x80800;
  private static final int ENDS_BYTES = 8;

  private PipeContents() {}

  /// How much it can hold, in bytes.
  public static int capacity(OpenFile end) throws ObstructedException {
    return (int) require(end, end.ask(Nr.FCNTL, Arg.self(), Arg.imm(F_GETPIPE_SZ)), "its capacity").result();
  }

  /// How much it holds, in bytes.
  public static int unread(OpenFile end) throws ObstructedException {
    return require(end, end.ask(Nr.IOCTL, Arg.self(), Arg.imm(FIONREAD), Arg.space(4)), "how full it is").output(2)
        .u32(0);
  }

  /// What the next reads would give: one part, or, of a pipe in packet mode (O_DIRECT of pipe2(2)), one for each
  /// packet. A read ends with a packet, so several parts mean packets; whether a single part is one does not show.
  public static List<Bytes> parts(OpenFile reader, int capacity, int unread) throws ObstructedException {
    Bytes ends = require(reader, reader.ask(Nr.PIPE2, Arg.space(ENDS_BYTES), Arg.imm(O_NONBLOCK_CLOEXEC)),
        "a pipe to copy it to").output(0);
    Arg out = Arg.imm(ends.u32(0));
    Arg in = Arg.imm(ends.u32(4));
    try {
      require(reader, reader.ask(Nr.FCNTL, in, Arg.imm(F_SETPIPE_SZ), Arg.imm(capacity)), "room to copy it to");
      Answer copied = reader.ask(Nr.TEE, Arg.self(), in, Arg.imm(capacity), Arg.imm(SPLICE_F_NONBLOCK));
      var parts = new ArrayList<Bytes>();
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
      return parts;
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
}
