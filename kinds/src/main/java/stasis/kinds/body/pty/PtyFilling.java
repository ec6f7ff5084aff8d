package stasis.kinds.body.pty;

import java.util.List;
import java.util.Set;
import stasis.kinds.body.pty.PtyBody.Stopped;
import stasis.kinds.body.pty.PtyQueues.Typing;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.resource.Arg;
import stasis.resource.Ref;
import stasis.resource.Script;

/// Writes into a new pseudoterminal what its like held unread: input as if it were typed at the master, under settings
/// that leave it as it is, and output from the slave. Then its output is stopped, where it was.
///
/// What the master writes reaches the line discipline at a moment of its own (drivers/tty/tty_buffer.c). So output is
/// stopped first, by the stop character, and what was typed ends with the start character: once the slave can be
/// written to again, all of it has arrived.
final class PtyFilling {
  private static final int TCSETS2 = 0x402c542b;
  private static final int TCXONC = 0x540a;
  private static final int TCOOFF = 0;
  private static final int POLLIN = 1;
  private static final int POLLOUT = 4;
  private static final int F_SETFL = 4;
  private static final int O_NONBLOCK = 04000;
  private static final int QUEUE_BYTES = 4095;
  private static final int PIECE_BYTES = 512;
  private static final int PIECES = 32;
  private static final int ARRIVES_WITHIN_S = 30;
  private static final long A_MOMENT_NS = 100_000_000;

  private static final int AT_EMPTY_PATH = 0x1000;
  private static final int STATX_MTIME = 0x40;
  private static final int STATX_BYTES = 256;
  private static final int MTIME_AT = 112;
  private static final long UTIME_OMIT = 0x3ffffffe;

  private final Ref<?> master;
  private final Ref<?> slave;
  private final Bytes settings;
  private final Script script;

  /// @param settings struct termios2 it will have
  PtyFilling(Ref<?> master, Ref<?> slave, Bytes settings, Script script) {
    this.master = master;
    this.slave = slave;
    this.settings = settings;
    this.script = script;
  }

  /// Where masters are opened is a node of all: what is written to this one leaves no trace there.
  void fill(PtyQueues queues, Typing typing, boolean canonical, Stopped stopped) {
    Ref<?> node = script.call(Nr.STATX, "when a master was written to last", Arg.result(master), Arg.string(""),
        Arg.imm(AT_EMPTY_PATH), Arg.imm(STATX_MTIME), Arg.space(STATX_BYTES));
    write(queues, typing, canonical, stopped);
    script.callTolerating(Set.of(Errno.EPERM, Errno.EACCES), Nr.UTIMENSAT, "as it was", Arg.result(master), Arg.imm(0),
        new Arg.Struct(Bytes.ofU64(0, UTIME_OMIT, 0, 0), List.of(
            new Arg.Patch(16, 8, Arg.output(node, 4, MTIME_AT, 8)),
            new Arg.Patch(24, 4, Arg.output(node, 4, MTIME_AT + 8, 4)))), Arg.imm(0));
  }

  private void write(PtyQueues queues, Typing typing, boolean canonical, Stopped stopped) {
    set(typing, canonical && typing.characters().isEmpty());
    stopAtOnce(typing);
    type(typing.characters().isEmpty() ? typing.lines() : typing.characters(), typing);
    if (canonical && !typing.characters().isEmpty()) {
      set(typing, true);
      if (!typing.lines().isEmpty()) {
        stopInAMoment(typing);
        type(typing.lines(), typing);
      }
    }
    if (!queues.output().isEmpty()) {
      output(queues.output());
    }
    if (stopped == Stopped.TYPED && queues.input().isEmpty()) {
      stopAtOnce(typing);
    } else if (stopped == Stopped.TYPED) {
      stopInAMoment(typing);
    } else if (stopped == Stopped.CALLED) {
      script.call(Nr.IOCTL, "output is stopped", Arg.result(slave), Arg.imm(TCXONC), Arg.imm(TCOOFF));
    }
  }

  private void set(Typing typing, boolean canonical) {
    script.call(Nr.IOCTL, canonical ? "settings for typing lines" : "settings for typing", Arg.result(master),
        Arg.imm(TCSETS2), Arg.data(typing.settings(settings, canonical)));
  }

  private void type(Bytes content, Typing typing) {
    Bytes typed = content.concat(typing.start());
    write(master, typed, "what was typed");
    script.callExpecting(1, Nr.PPOLL, "all has arrived", ofSlave(POLLOUT), Arg.imm(1),
        Arg.data(Bytes.ofU64(ARRIVES_WITHIN_S, 0)), Arg.imm(0), Arg.imm(0));
  }

  private void write(Ref<?> end, Bytes content, String why) {
    script.callExpecting(content.length(), Nr.WRITE, why, Arg.result(end), Arg.data(content),
        Arg.imm(content.length()));
  }

  private static Arg of(Ref<?> end, int events) {
    return new Arg.Struct(Bytes.ofU32(0, events), List.of(new Arg.Patch(0, 4, Arg.result(end))));
  }

  private Arg ofSlave(int events) {
    return of(slave, events);
  }

  /// Asking for input when there is none fetches what is on its way (n_tty_poll()).
  private void stopAtOnce(Typing typing) {
    write(master, typing.stop(), "the stop character");
    script.callExpecting(0, Nr.PPOLL, "output is stopped", ofSlave(POLLIN | POLLOUT), Arg.imm(1), now(), Arg.imm(0),
        Arg.imm(0));
  }

  /// Where input is there already nothing can be waited for.
  private void stopInAMoment(Typing typing) {
    write(master, typing.stop(), "the stop character");
    script.call(Nr.NANOSLEEP, "it comes", Arg.data(Bytes.ofU64(0, A_MOMENT_NS)), Arg.imm(0));
    script.callExpecting(0, Nr.PPOLL, "output is stopped", ofSlave(POLLOUT), Arg.imm(1), now(), Arg.imm(0),
        Arg.imm(0));
  }

  private static Arg now() {
    return Arg.data(Bytes.ofU64(0, 0));
  }

  private void output(Bytes output) {
    script.call(Nr.FCNTL, "never wait", Arg.result(slave), Arg.imm(F_SETFL), Arg.imm(Open.O_RDWR | O_NONBLOCK));
    if (output.length() <= QUEUE_BYTES) {
      write(slave, output, "unread output");
    } else {
      overflow(output);
    }
    script.call(Nr.FCNTL, "wait again", Arg.result(slave), Arg.imm(F_SETFL), Arg.imm(Open.O_RDWR));
  }

  /// What the line discipline has no room for stays in the buffers before it, as it did. They hold most in pieces that
  /// fill them: a buffer of 512 bytes holds twice that, and 17 may be begun. One that was emptied counts until the next
  /// is begun (drivers/tty/tty_buffer.c, `tty_buffer_alloc()`, `flush_to_ldisc()`).
  private void overflow(Bytes output) {
    int done = 0;
    for (; done + PIECE_BYTES < QUEUE_BYTES; done += PIECE_BYTES) {
      write(slave, output.slice(done, PIECE_BYTES), "unread output");
    }
    int half = PIECE_BYTES / 2;
    write(slave, output.slice(done, QUEUE_BYTES - done - half), "unread output");
    write(slave, output.slice(QUEUE_BYTES - half, half), "unread output");
    script.callExpecting(1, Nr.PPOLL, "it is there", of(master, POLLIN), Arg.imm(1),
        Arg.data(Bytes.ofU64(ARRIVES_WITHIN_S, 0)), Arg.imm(0), Arg.imm(0));
    script.call(Nr.NANOSLEEP, "all of it", Arg.data(Bytes.ofU64(0, A_MOMENT_NS)), Arg.imm(0));
    for (done = QUEUE_BYTES; done < output.length(); done += PIECE_BYTES) {
      boolean last = done >= QUEUE_BYTES + PIECES * PIECE_BYTES;
      int length = last ? output.length() - done : Math.min(PIECE_BYTES, output.length() - done);
      write(slave, output.slice(done, length), "more unread output");
      if (last) {
        return;
      }
      if (done == QUEUE_BYTES) {
        script.call(Nr.NANOSLEEP, "the buffer before is gone", Arg.data(Bytes.ofU64(0, A_MOMENT_NS)), Arg.imm(0));
      }
    }
  }
}
