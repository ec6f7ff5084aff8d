package stasis.kinds.file;

import stasis.linux.abi.Nr;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.OpenFile;

/// What getsockopt(2) says of an open socket.
public final class SocketFacts {
  public static final int AF_UNIX = 1;
  public static final int SOL_SOCKET = 1;
  public static final int SO_TYPE = 3;
  public static final int SO_SNDBUF = 7;
  public static final int SO_RCVBUF = 8;
  private static final int SO_DOMAIN = 39;

  private SocketFacts() {}

  /// Address family; -1 for no socket.
  public static int domain(OpenFile file) {
    return option(file, SO_DOMAIN);
  }

  /// An integer option of SOL_SOCKET; -1 when it cannot be read.
  public static int option(OpenFile file, int name) {
    Answer answer = file.ask(Nr.GETSOCKOPT, Arg.self(), Arg.imm(SOL_SOCKET), Arg.imm(name), Arg.space(4),
        Arg.data(stasis.linux.abi.Bytes.ofU32(4)));
    return answer.failed() ? -1 : answer.output(3).u32(0);
  }
}
