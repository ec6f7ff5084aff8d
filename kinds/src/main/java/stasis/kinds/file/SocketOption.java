package stasis.kinds.file;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Script;

/// An option of level SOL_SOCKET that a unix socket has and a new one has not (socket(7), net/core/sock.c).
public record SocketOption(@Tag(1) int name, @Tag(2) Bytes value) {
  private static final int SO_SNDBUF = 7;
  private static final int SO_RCVBUF = 8;
  private static final int SO_LINGER = 13;
  private static final int SO_RCVTIMEO = 20;
  private static final int SO_SNDTIMEO = 21;
  private static final int SO_ATTACH_FILTER = 26;
  private static final int SO_SNDBUFFORCE = 32;
  private static final int SO_RCVBUFFORCE = 33;
  private static final int SOCK_CLOEXEC = 0x80000;
  private static final int MAX_INSTRUCTIONS = 4096;
  private static final int INSTRUCTION_BYTES = 8;

  /// By number, in the order they are set: SO_BUF_LOCK (72) says who chose the buffers, SO_LOCK_FILTER (44) ends
  /// changes of the filter, and SO_PEEK_OFF (42) would disturb nothing else last.
  ///
  /// REUSEADDR, DONTROUTE, BROADCAST, SNDBUF, RCVBUF, KEEPALIVE, OOBINLINE, NO_CHECK, PRIORITY, LINGER, PASSCRED,
  /// RCVLOWAT, RCVTIMEO, SNDTIMEO, TIMESTAMP, PASSSEC, TIMESTAMPNS, MARK, TIMESTAMPING, RXQ_OVFL, SELECT_ERR_QUEUE,
  /// BUSY_POLL, ZEROCOPY, PASSPIDFD, PASSRIGHTS, BUF_LOCK, LOCK_FILTER, PEEK_OFF
  private static final List<Integer> NAMES = List.of(2, 5, 6, SO_SNDBUF, SO_RCVBUF, 9, 10, 11, 12, SO_LINGER, 16, 18,
      SO_RCVTIMEO, SO_SNDTIMEO, 29, 34, 35, 36, 37, 40, 45, 46, 60, 76, 83, 72, 44, 42);

  private static int lengthBytes(int name) {
    return switch (name) {
      case SO_LINGER -> 8;
      case SO_RCVTIMEO, SO_SNDTIMEO -> 16;
      default -> 4;
    };
  }

  /// Compared with a new socket of the same type.
  public static List<SocketOption> of(OpenFile file) throws ObstructedException {
    int type = SocketFacts.option(file, SocketFacts.SO_TYPE);
    Answer fresh = file.ask(Nr.SOCKET, Arg.imm(SocketFacts.AF_UNIX), Arg.imm(type | SOCK_CLOEXEC), Arg.imm(0));
    if (fresh.failed()) {
      throw new ObstructedException(file.subject(), "no socket to compare it with can be made: "
          + Errno.of(fresh.result()), "");
    }
    try {
      var options = new ArrayList<SocketOption>();
      for (int name : NAMES) {
        Optional<Bytes> value = read(file, Arg.self(), name);
        if (value.isPresent() && !value.equals(read(file, Arg.imm(fresh.result()), name))) {
          options.add(new SocketOption(name, value.get()));
        }
      }
      return options;
    } finally {
      file.ask(Nr.CLOSE, Arg.imm(fresh.result()));
    }
  }

  private static Optional<Bytes> read(OpenFile file, Arg socket, int name) {
    Answer answer = file.ask(Nr.GETSOCKOPT, socket, Arg.imm(SocketFacts.SOL_SOCKET), Arg.imm(name),
        Arg.space(lengthBytes(name)), Arg.data(Bytes.ofU32(lengthBytes(name))));
    return answer.failed() ? Optional.empty() : Optional.of(answer.output(3));
  }

  /// The filter judging what it receives; empty for none.
  public static Bytes filter(OpenFile file) throws ObstructedException {
    Answer answer = file.ask(Nr.GETSOCKOPT, Arg.self(), Arg.imm(SocketFacts.SOL_SOCKET), Arg.imm(SO_ATTACH_FILTER),
        Arg.space(MAX_INSTRUCTIONS * INSTRUCTION_BYTES), Arg.data(Bytes.ofU32(MAX_INSTRUCTIONS)));
    if (answer.failed()) {
      throw new ObstructedException(file.subject(), "a BPF program filters what it receives (SO_ATTACH_BPF)",
          "let the program detach it before the checkpoint");
    }
    return answer.output(3).slice(0, answer.output(4).u32(0) * INSTRUCTION_BYTES);
  }

  public static void attach(Bytes filter, Fd socket, Script script) {
    if (!filter.isEmpty()) {
      // struct sock_fprog: a u16 count, a pointer at 8.
      Arg program = new Arg.Struct(Bytes.ofU64(filter.length() / INSTRUCTION_BYTES, 0),
          List.of(new Arg.Patch(8, 8, Arg.data(filter))));
      script.call(Nr.SETSOCKOPT, "its filter", Arg.imm(socket.value()), Arg.imm(SocketFacts.SOL_SOCKET),
          Arg.imm(SO_ATTACH_FILTER), program, Arg.imm(16));
    }
  }

  /// The kernel doubles the size of a buffer it is given, and bounds it unless forced with CAP_NET_ADMIN.
  public void set(Fd socket, Script script) {
    if (name == SO_SNDBUF || name == SO_RCVBUF) {
      Arg half = Arg.data(Bytes.ofU32(value.u32(0) / 2));
      call(socket, script, name, half);
      script.callTolerating(Set.of(Errno.EPERM), Nr.SETSOCKOPT, "socket option " + name, Arg.imm(socket.value()),
          Arg.imm(SocketFacts.SOL_SOCKET), Arg.imm(name == SO_SNDBUF ? SO_SNDBUFFORCE : SO_RCVBUFFORCE), half,
          Arg.imm(4));
    } else {
      call(socket, script, name, Arg.data(value));
    }
  }

  private void call(Fd socket, Script script, int option, Arg argument) {
    script.call(Nr.SETSOCKOPT, "socket option " + option, Arg.imm(socket.value()), Arg.imm(SocketFacts.SOL_SOCKET),
        Arg.imm(option), argument, Arg.imm(lengthBytes(option)));
  }
}
