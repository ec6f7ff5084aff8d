package stasis.kinds.body.pty;

import java.util.List;
import java.util.Optional;
import stasis.kinds.body.pty.PtyBody.Pty;
import stasis.kinds.body.pty.PtyBody.Stopped;
import stasis.kinds.body.pty.PtyBody.Time;
import stasis.kinds.file.Ptys;
import stasis.kinds.file.Readiness;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.linux.abi.PathBytes;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.HiddenTerminal;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;

/// What ioctl_tty(2) says of one pseudoterminal.
final class PtyFacts {
  private static final int TIOCGPTLCK = 0x80045439;
  private static final int TIOCGPKT = 0x80045438;
  private static final int TIOCGEXCL = 0x80045440;
  private static final int TCGETS2 = 0x802c542a;
  private static final int TERMIOS2_BYTES = 44;
  private static final int TIOCGLCKTRMIOS = 0x5456;
  private static final int TERMIOS_BYTES = 36;
  private static final int TIOCGWINSZ = 0x5413;
  private static final int WINSIZE_BYTES = 8;
  private static final int TIOCGETD = 0x5424;
  private static final int FIONREAD = 0x541b;
  private static final int LOCAL_FLAGS_AT = 12;
  private static final int ICANON = 2;
  private static final int EXTPROC = 0200000;
  private static final int IXON = 02000;
  private static final int CONTROL_CHARACTERS_AT = 17;
  private static final int VSTOP = 9;
  private static final int STATX_BASIC_STATS = 0x7ff;
  private static final int STATX_BYTES = 256;
  private static final int PERMISSIONS = 07777;
  private static final String READ_IT = "let it be read before the checkpoint";

  private final int number;
  private final Optional<OpenFile> master;
  private final Optional<OpenFile> slave;

  /// @param files every description of either end
  PtyFacts(int number, List<OpenFile> files) {
    this.number = number;
    this.master = files.stream().filter(file -> Ptys.ofMaster(file).isPresent()).findFirst();
    this.slave = files.stream().filter(file -> Ptys.ofMaster(file).isEmpty()).findFirst();
  }

  static boolean isCanonical(Bytes termios) {
    return (termios.u32(LOCAL_FLAGS_AT) & ICANON) != 0;
  }

  /// With IXON off only tcflow(3) stops: switching it off lets go what ^S has stopped (n_tty_set_termios()).
  private static boolean isStoppedByTyping(Bytes termios) {
    return (termios.u32(0) & IXON) != 0 && termios.u8(CONTROL_CHARACTERS_AT + VSTOP) != 0;
  }

  static boolean isZero(Bytes bytes) {
    return bytes.equals(Bytes.zeros(bytes.length()));
  }

  Pty pty() throws ObstructedException {
    if (master.isEmpty()) {
      // A terminal that is hung up answers nothing any more; its settings mean nothing either.
      OpenFile file = slave.orElseThrow();
      return new Pty(number, PathBytes.of("/dev/ptmx"), true, true, ask(file, TCGETS2, TERMIOS2_BYTES)
          .orElse(Bytes.zeros(TERMIOS2_BYTES)), Bytes.zeros(TERMIOS_BYTES), Bytes.zeros(WINSIZE_BYTES), false, false,
          false, 0, 0, 0, Time.NONE, Time.NONE, Stopped.NOT, false, false,
          Optional.empty(), Optional.empty());
    }
    OpenFile file = master.get();
    if (slave.isPresent() && number(slave.get(), TIOCGETD) != 0) {
      throw new ObstructedException(slave.get().subject(), "its line discipline is not the ordinary one (N_TTY)", "");
    }
    // The look itself brings in what is on its way (n_tty_poll()), so it comes before the counting.
    int ready = Readiness.of(file, Readiness.URGENT | Readiness.WRITABLE);
    boolean writable = slave.isEmpty() || (Readiness.of(slave.get(), Readiness.WRITABLE) & Readiness.WRITABLE) != 0;
    Optional<HiddenTerminal> hidden = file.hiddenTerminal(number);
    if (hidden.isEmpty()) {
      refuseUnread(file, "output of its terminal waits to be read");
      if (slave.isPresent()) {
        refuseUnread(slave.get(), "input waits to be read");
      }
    }
    Bytes node = look(file);
    boolean opened = slave.isPresent() || (ready & Readiness.HUNG_UP) != 0;
    Bytes termios = require(file, TCGETS2, TERMIOS2_BYTES);
    Optional<PtyQueues> queues = hidden.isEmpty() ? Optional.empty()
        : Optional.of(queues(file, hidden.get(), termios, opened));
    if ((ready & Readiness.WRITABLE) == 0) {
      throw new ObstructedException(file.subject(), "its master was stopped from writing, and no call shows how",
          "let the program call tcflow(3) with TCOON on it");
    }
    boolean called = hidden.map(HiddenTerminal::stoppedByCall).orElse(!isStoppedByTyping(termios));
    boolean isStopped = hidden.map(HiddenTerminal::stopped).orElse(!writable);
    Stopped stopped = !isStopped ? Stopped.NOT : called ? Stopped.CALLED : Stopped.TYPED;
    return new Pty(number, PathBytes.of(file.link()), opened, false, termios,
        ask(file, TIOCGLCKTRMIOS, TERMIOS_BYTES).orElse(Bytes.zeros(TERMIOS_BYTES)),
        require(file, TIOCGWINSZ, WINSIZE_BYTES), number(file, TIOCGPTLCK) != 0, number(file, TIOCGPKT) != 0,
        slave.isPresent() && number(slave.get(), TIOCGEXCL) != 0, node.u16(28) & PERMISSIONS, node.u32(20),
        node.u32(24), time(node, 64), time(node, 112), stopped, (ready & Readiness.URGENT) != 0,
        number(file, TIOCGEXCL) != 0, file.holderOutside("/dev/pts/" + number), queues);
  }

  private PtyQueues queues(OpenFile file, HiddenTerminal hidden, Bytes termios, boolean opened)
      throws ObstructedException {
    int typed = hidden.input().content().length() + hidden.input().coming().length();
    if (!hidden.input().coming().isEmpty() || typed > PtyQueues.INPUT_BYTES_MAX) {
      throw new ObstructedException(file.subject(), "input fills its terminal (" + typed + " bytes): part of it is not"
          + " interpreted yet", READ_IT);
    }
    PtyQueues queues = PtyQueues.of(hidden);
    if (!canBeTyped(queues, termios, opened)) {
      throw new ObstructedException(file.subject(), "input waits to be read (" + typed + " bytes) that cannot be typed"
          + " again: no character is left to tell its terminal by, its lines are another's to edit (EXTPROC), or its"
          + " slave was never opened", READ_IT);
    }
    return queues;
  }

  /// @param termios its settings @param opened whether a slave ever was
  static boolean canBeTyped(PtyQueues queues, Bytes termios, boolean opened) {
    return queues.input().isEmpty() && (opened || queues.output().isEmpty())
        || opened && (termios.u32(LOCAL_FLAGS_AT) & EXTPROC) == 0 && queues.typing(isCanonical(termios)).isPresent();
  }

  private static Time time(Bytes statx, int at) {
    return new Time(statx.u64(at), statx.u32(at + 8));
  }

  private static void refuseUnread(OpenFile file, String what) throws ObstructedException {
    int unread = number(file, FIONREAD);
    if (unread > 0) {
      throw new ObstructedException(file.subject(), what + " (" + unread + " bytes), which only reading would show",
          READ_IT);
    }
  }

  private Bytes look(OpenFile asker) throws ObstructedException {
    PathBytes path = PathBytes.of("/dev/pts/" + number);
    Answer found = asker.ask(Nr.STATX, Arg.imm(Open.AT_FDCWD), Arg.path(path), Arg.imm(0),
        Arg.imm(STATX_BASIC_STATS), Arg.space(STATX_BYTES));
    if (found.failed()) {
      throw new ObstructedException(asker.subject(), path + " is not its slave here: " + Errno.of(found.result()),
          "run the engine in the same mount namespace");
    }
    return found.output(4);
  }

  private static Optional<Bytes> ask(OpenFile file, int request, int lengthBytes) {
    Answer answer = file.ask(Nr.IOCTL, Arg.self(), Arg.imm(request), Arg.space(lengthBytes));
    return answer.failed() ? Optional.empty() : Optional.of(answer.output(2));
  }

  private static Bytes require(OpenFile file, int request, int lengthBytes) throws ObstructedException {
    return ask(file, request, lengthBytes).orElseThrow(() -> new ObstructedException(file.subject(),
        "the terminal does not answer ioctl 0x" + Integer.toHexString(request), "run with CAP_SYS_PTRACE"));
  }

  private static int number(OpenFile file, int request) {
    return ask(file, request, 4).map(answer -> answer.u32(0)).orElse(0);
  }
}
