package stasis.kinds.file.tcp;

import java.util.ArrayList;
import java.util.List;
import stasis.kinds.socket.SocketOption;
import stasis.kinds.socket.SocketOptions;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;

/// What Multipath TCP lets be set of the options it tells (net/mptcp/sockopt.c): fewer.
final class Multipath {
  static final int IPPROTO_MPTCP = 262;
  private static final int SOCK_STREAM_CLOEXEC = 1 | 0x80000;
  private static final int SO_SNDBUF = 7;
  private static final int SO_RCVBUF = 8;
  private static final int SO_BUF_LOCK = 72;

  private Multipath() {}

  /// Those to be set again. Each is tried on a socket of the engine's own.
  ///
  /// @throws ObstructedException for one that could not be
  static List<SocketOption> options(OpenFile file, int family, List<SocketOption> all) throws ObstructedException {
    // Which sizes are fixed cannot be set by itself: only those are set.
    int fixed = SocketOptions.value(all, Connection.SOL_SOCKET, SO_BUF_LOCK).map(bytes -> bytes.u32(0)).orElse(0);
    List<SocketOption> wanted = all.stream().filter(option -> option.level() != Connection.SOL_SOCKET
        || switch (option.name()) {
          case SO_SNDBUF -> (fixed & 1) != 0;
          case SO_RCVBUF -> (fixed & 2) != 0;
          case SO_BUF_LOCK -> false;
          default -> true;
        }).toList();
    Answer made = file.ask(Nr.SOCKET, Arg.imm(family), Arg.imm(SOCK_STREAM_CLOEXEC), Arg.imm(IPPROTO_MPTCP));
    if (made.failed()) {
      throw new ObstructedException(file.subject(), "no socket of Multipath TCP can be made: "
          + Errno.of(made.result()), "");
    }
    Arg own = Arg.imm(made.result());
    try {
      var settable = new ArrayList<SocketOption>();
      for (SocketOption option : wanted) {
        Answer set = file.ask(Nr.SETSOCKOPT, own, Arg.imm(option.level()), Arg.imm(option.name()),
            Arg.data(option.value()), Arg.imm(option.value().length()));
        if (set.failed() && !isUnchanged(file, own, option)) {
          throw new ObstructedException(file.subject(), "its option " + option.level() + "/" + option.name()
              + " cannot be set again on Multipath TCP: " + Errno.of(set.result()), "let the program not set it");
        }
        if (!set.failed()) {
          settable.add(option);
        }
      }
      return settable;
    } finally {
      file.ask(Nr.CLOSE, own);
    }
  }

  private static boolean isUnchanged(OpenFile file, Arg own, SocketOption option) {
    Answer answer = file.ask(Nr.GETSOCKOPT, own, Arg.imm(option.level()), Arg.imm(option.name()),
        Arg.space(option.value().length()), Arg.data(stasis.linux.abi.Bytes.ofU32(option.value().length())));
    return !answer.failed() && answer.output(3).equals(option.value());
  }
}
