package stasis.kinds.file.memdev;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
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
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// The devices without state of drivers/char/mem.c: null, zero, full, random, urandom.
public final class MemoryDevice implements FileKind<MemoryDevice.State> {
  /// @param path as the program opened it: a container may have its node elsewhere @param flags of open(2)
  /// @param minor which of them @param deleted permissions of its node where that was deleted: then it is made for a
  ///     moment
  record State(@Tag(1) PathBytes path, @Tag(2) int flags, @Tag(3) int minor, @Tag(4) Optional<Integer> deleted) {}

  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "file.memdev", 2);
  private static final int MEM_MAJOR = 1;
  private static final int PERMISSIONS = 07777;

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(OpenFile file) {
    return isOne(file.facts()) && (file.info().flags() & OpenFlags.O_PATH) == 0 && file.link().startsWith("/");
  }

  private static boolean isOne(FileStat facts) {
    return facts.type() == FileStat.S_IFCHR && facts.rdev().major() == MEM_MAJOR
        && switch (facts.rdev().minor()) {
          case 3, 5, 7, 8, 9 -> true;
          default -> false;
        };
  }

  @Override
  public State checkpoint(OpenFile file) throws ObstructedException {
    boolean deleted = file.facts().links() == 0;
    return new State(deleted ? NamedFile.formerPath(file.link()) : PathBytes.of(file.link()), OpenFlags.of(file),
        file.facts().rdev().minor(), deleted ? Optional.of(file.facts().mode() & PERMISSIONS) : Optional.empty());
  }

  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    if (state.deleted().isPresent()) {
      return host.file(state.path()).isEmpty() ? List.of() : List.of(new Obstacle.Changed("device " + state.path(),
          "nothing there (its node was deleted)", "a file", "move it away for the restore"));
    }
    return host.file(state.path()).filter(now -> isOne(now) && now.rdev().minor() == state.minor()).isPresent()
        ? List.of() : List.of(new Obstacle.Changed("device " + state.path(), "memory device " + state.minor(),
            "nothing, or another file", "make the device node again"));
  }

  @Override
  public Ref<Fd> restore(State state, Script script, Refs refs) {
    state.deleted().ifPresent(mode -> {
      script.call(Nr.MKNODAT, "deleted node " + state.path(), Arg.imm(Open.AT_FDCWD), Arg.path(state.path()),
          Arg.imm(FileStat.S_IFCHR | 0600), Arg.imm(MEM_MAJOR << 8 | state.minor()));
      script.call(Nr.FCHMODAT, "its mode", Arg.imm(Open.AT_FDCWD), Arg.path(state.path()), Arg.imm(mode));
    });
    Ref<Fd> fd = script.call(Nr.OPENAT, "open " + state.path(), Arg.imm(Open.AT_FDCWD), Arg.path(state.path()),
        Arg.imm(state.flags()), Arg.imm(0));
    if (state.deleted().isPresent()) {
      script.call(Nr.UNLINKAT, "deleted again", Arg.imm(Open.AT_FDCWD), Arg.path(state.path()), Arg.imm(0));
    }
    return fd;
  }
}
