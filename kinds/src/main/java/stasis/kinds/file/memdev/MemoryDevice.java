package stasis.kinds.file.memdev;

import java.lang.invoke.MethodHandles;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FdInfo;
import stasis.procfs.FileStat;
import stasis.resource.Arg;
import stasis.resource.FileKind;
import stasis.resource.OpenFile;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// The devices without state of drivers/char/mem.c: null, zero, full, random, urandom.
public final class MemoryDevice implements FileKind<MemoryDevice.State> {
  /// @param path as the program opened it: a container may have its node elsewhere @param flags of open(2)
  public record State(@Tag(1) PathBytes path, @Tag(2) int flags) {}

  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "file.memdev", 1);
  private static final int MEM_MAJOR = 1;
  private static final int AT_FDCWD = -100;

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(OpenFile file) {
    return file.facts().type() == FileStat.S_IFCHR && file.facts().rdev().major() == MEM_MAJOR
        && switch (file.facts().rdev().minor()) {
          case 3, 5, 7, 8, 9 -> true;
          default -> false;
        };
  }

  @Override
  public State checkpoint(OpenFile file) {
    return new State(PathBytes.of(file.link()), file.info().flags() & ~FdInfo.O_CLOEXEC);
  }

  @Override
  public Ref<Fd> restore(State state, Script script, Refs refs) {
    return script.call(Nr.OPENAT, "open " + state.path(), Arg.imm(AT_FDCWD), Arg.path(state.path()),
        Arg.imm(state.flags()), Arg.imm(0));
  }
}
