package stasis.kinds.file.console;

import java.lang.invoke.MethodHandles;
import java.util.List;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.NamedFile;
import stasis.kinds.file.OpenFlags;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FileStat;
import stasis.resource.Arg;
import stasis.resource.FileKind;
import stasis.resource.Host;
import stasis.resource.Loss;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Provable;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// A virtual console or the system console (`/dev/tty1`, `/dev/console`), opened beside standard input, output and
/// error. It is the machine's and outlives the program: what it shows and how it is set stays there.
public final class Console implements FileKind<Console.State> {
  /// @param path as the program opened it @param flags of open(2)
  record State(@Tag(1) PathBytes path, @Tag(2) int flags, @Tag(3) int major, @Tag(4) int minor) {}

  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "file.console", 1);
  private static final int TTY_MAJOR = 4;
  private static final int LAST_CONSOLE = 63;
  private static final int TTYAUX_MAJOR = 5;
  private static final int CONSOLE_MINOR = 1;
  private static final int LAST_STANDARD = 2;
  private static final int O_NOCTTY = 0400;

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(OpenFile file) {
    return isOne(file.facts()) && (file.info().flags() & OpenFlags.O_PATH) == 0 && file.link().startsWith("/")
        && file.onSameInode().stream().noneMatch(other -> other.fd().value() <= LAST_STANDARD);
  }

  private static boolean isOne(FileStat facts) {
    return facts.type() == FileStat.S_IFCHR
        && (facts.rdev().major() == TTY_MAJOR && facts.rdev().minor() <= LAST_CONSOLE
            || facts.rdev().major() == TTYAUX_MAJOR && facts.rdev().minor() == CONSOLE_MINOR);
  }

  @Override
  public State checkpoint(OpenFile file) throws ObstructedException {
    if (!NamedFile.leadsTo(file)) {
      throw new ObstructedException(file.subject(), "its device node was deleted or replaced",
          "make it again, or let the program close it");
    }
    FileStat facts = file.facts();
    return new State(PathBytes.of(file.link()), OpenFlags.of(file), facts.rdev().major(), facts.rdev().minor());
  }

  @Override
  public List<Loss> losses(State state) {
    return List.of(Loss.of("its settings, and input that was not read, are those of the console then"));
  }

  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    return host.file(state.path()).filter(now -> isOne(now) && now.rdev().major() == state.major()
        && now.rdev().minor() == state.minor()).isPresent() ? List.of()
        : List.of(new Obstacle.Changed("device " + state.path(), "console " + state.major() + ":" + state.minor(),
            "nothing, or another file", "make the device node again"));
  }

  @Override
  public Ref<Fd> restore(State state, Script script, Refs refs) {
    return script.call(Nr.OPENAT, "open " + state.path(), Arg.imm(Open.AT_FDCWD), Arg.path(state.path()),
        Arg.imm(state.flags() | O_NOCTTY), Arg.imm(0));
  }
  @Override
  public Provable<State> provable(State state) {
    return new Provable.Unseen<>("it leads out of the program; the copy has /dev/null there");
  }
}
