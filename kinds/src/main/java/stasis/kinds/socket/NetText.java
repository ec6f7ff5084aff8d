package stasis.kinds.socket;

import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;

/// A file of `/proc/net`: of the engine's network namespace, which is the tree's.
public final class NetText {
  private static final int AT_FDCWD = -100;
  private static final int O_CLOEXEC = 0x80000;
  private static final int READ_BYTES = 1 << 16;
  private static final int MOST_READS = 1024;

  private NetText() {}

  /// @return empty where the kernel has no such file
  public static String read(OpenFile asker, String path) throws ObstructedException {
    Answer opened = asker.ask(Nr.OPENAT, Arg.imm(AT_FDCWD), Arg.string(path), Arg.imm(O_CLOEXEC), Arg.imm(0));
    if (opened.failedWith(Errno.ENOENT)) {
      return "";
    }
    if (opened.failed()) {
      throw new ObstructedException(asker.subject(), path + " cannot be opened: " + Errno.of(opened.result()), "");
    }
    Arg fd = Arg.imm(opened.result());
    try {
      var text = new StringBuilder();
      for (int i = 0; i < MOST_READS; i++) {
        Answer answer = asker.ask(Nr.READ, fd, Arg.space(READ_BYTES), Arg.imm(READ_BYTES));
        if (answer.failed()) {
          break;
        }
        if (answer.result() == 0) {
          return text.toString();
        }
        text.append(answer.output(1).slice(0, (int) answer.result()).latin1());
      }
      throw new ObstructedException(asker.subject(), path + " cannot be read to its end", "");
    } finally {
      asker.ask(Nr.CLOSE, fd);
    }
  }
}
