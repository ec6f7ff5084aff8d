package stasis.kinds.file;

import java.util.List;
import java.util.Optional;
import stasis.linux.abi.Nr;
import stasis.procfs.Device;
import stasis.procfs.FileStat;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.BodyKey;
import stasis.resource.OpenFile;

/// Which pseudoterminal an open file leads to (pty(7)).
public final class Ptys {
  /// All of a tree are one body: they are numbered in the order they are made.
  public static final BodyKey BODY = new BodyKey("body.pty", 0, 0);
  private static final int SLAVE_MAJOR = 136;
  private static final int TTYAUX_MAJOR = 5;
  private static final int TTY_MINOR = 0;
  private static final int PTMX_MINOR = 2;
  private static final int TIOCGDEV = 0x80045432;

  private Ptys() {}

  private static boolean is(OpenFile file, int major, int minor) {
    return file.facts().type() == FileStat.S_IFCHR && (file.info().flags() & OpenFlags.O_PATH) == 0
        && file.facts().rdev().equals(new Device(major, minor));
  }

  /// The number of the pair whose master this is.
  public static Optional<Integer> ofMaster(OpenFile file) {
    return is(file, TTYAUX_MAJOR, PTMX_MINOR) ? Optional.of((int) file.info().decimal("tty-index"))
        : Optional.empty();
  }

  /// The number of the pair whose slave this is.
  public static Optional<Integer> ofSlave(OpenFile file) {
    return file.facts().type() == FileStat.S_IFCHR && (file.info().flags() & OpenFlags.O_PATH) == 0
        ? of(file.facts().rdev()) : Optional.empty();
  }

  /// The number of the pair that `/dev/tty` meant when this was opened.
  public static Optional<Integer> ofControlling(OpenFile file) {
    if (!is(file, TTYAUX_MAJOR, TTY_MINOR)) {
      return Optional.empty();
    }
    Answer answer = file.ask(Nr.IOCTL, Arg.self(), Arg.imm(TIOCGDEV), Arg.space(4));
    return answer.failed() ? Optional.empty() : of(Device.ofStat(answer.output(2).u32(0) & 0xffffffffL));
  }

  /// The number of the pair whose slave has this device number.
  public static Optional<Integer> of(Device device) {
    return device.major() == SLAVE_MAJOR ? Optional.of(device.minor()) : Optional.empty();
  }

  /// Whether the master of a pair is open in the tree.
  public static boolean isInside(List<OpenFile> tree, int number) {
    return tree.stream().anyMatch(file -> ofMaster(file).equals(Optional.of(number)));
  }
}
