package stasis.kinds.file;

import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.OpenFile;

/// What poll(2) would say of an open file, asked through an epoll of the engine's own: that takes the fd as an
/// argument.
public final class Readiness {
  public static final int READABLE = 0x1;
  public static final int ERROR = 0x8;
  public static final int HUNG_UP = 0x10;
  /// EPOLLPRI: urgent data.
  public static final int URGENT = 0x2;
  /// EPOLLOUT: a write would not wait.
  public static final int WRITABLE = 0x4;
  /// EPOLLRDHUP: nothing more will come.
  public static final int READ_SHUT = 0x2000;
  private static final int EPOLL_CTL_ADD = 1;
  private static final int EPOLL_CLOEXEC = 0x80000;
  /// One struct epoll_event, packed or not.
  private static final int EVENT_BYTES = 16;

  private Readiness() {}

  /// EPOLLERR and EPOLLHUP, which are always reported; 0 for what cannot be polled.
  public static int of(OpenFile file) {
    return of(file, 0);
  }

  /// Those of `events` too.
  public static int of(OpenFile file, int events) {
    Answer epoll = file.ask(Nr.EPOLL_CREATE1, Arg.imm(EPOLL_CLOEXEC));
    if (epoll.failed()) {
      return 0;
    }
    Arg fd = Arg.imm(epoll.result());
    Arg event = Arg.data(Bytes.zeros(EVENT_BYTES).withU32(0, events));
    try {
      if (file.ask(Nr.EPOLL_CTL, fd, Arg.imm(EPOLL_CTL_ADD), Arg.self(), event).failed()) {
        return 0;
      }
      Answer ready = file.ask(Nr.EPOLL_PWAIT, fd, Arg.space(EVENT_BYTES), Arg.imm(1), Arg.imm(0), Arg.imm(0),
          Arg.imm(0));
      return ready.result() == 1 ? ready.output(1).u32(0) : 0;
    } finally {
      file.ask(Nr.CLOSE, fd);
    }
  }
}
