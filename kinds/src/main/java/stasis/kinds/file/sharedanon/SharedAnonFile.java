package stasis.kinds.file.sharedanon;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Set;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.OpenFlags;
import stasis.kinds.mapping.MapFiles;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.procfs.FileStat;
import stasis.resource.Arg;
import stasis.resource.BodyKey;
import stasis.resource.FileKind;
import stasis.resource.Host;
import stasis.resource.Obstacle;
import stasis.resource.OpenFile;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// Shared anonymous memory that somebody has opened through `/proc/PID/map_files`: it can be read, written and mapped
/// like a file.
public final class SharedAnonFile implements FileKind<SharedAnonFile.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "file.sharedanon", 1);
  private static final String NAME = "/dev/zero (deleted)";
  private static final long PAGE_BYTES = 4096;
  private static final int SEEK_SET = 0;

  /// @param flags of open(2) @param sizeBytes of the body, whole pages
  record State(@Tag(1) ObjectId body, @Tag(2) int flags, @Tag(3) long offset, @Tag(4) long sizeBytes) {
    State {
      if (offset < 0 || sizeBytes <= 0 || sizeBytes % PAGE_BYTES != 0) {
        throw new IllegalArgumentException("no memory has " + sizeBytes + " bytes and offset " + offset);
      }
    }
  }

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  /// The kernel names such memory after a device; a regular file of that name is nobody's.
  @Override
  public boolean recognises(OpenFile file) {
    return file.link().equals(NAME) && file.facts().type() == FileStat.S_IFREG && file.facts().links() == 0
        && file.facts().sizeBytes() > 0 && (file.info().flags() & OpenFlags.O_PATH) == 0;
  }

  @Override
  public State checkpoint(OpenFile file) {
    BodyKey key = new BodyKey("body.sharedanon", file.facts().device().stat(), file.facts().inode());
    return new State(file.body(key), OpenFlags.of(file), file.info().pos(),
        file.facts().sizeBytes() + PAGE_BYTES - 1 & -PAGE_BYTES);
  }

  @Override
  public Set<ObjectId> needs(State state) {
    return Set.of(state.body());
  }

  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    return MapFiles.obstacles("open shared memory " + state.body(), host);
  }

  @Override
  public Ref<Fd> restore(State state, Script script, Refs refs) {
    Ref<Fd> fd = script.call(Nr.OPENAT, "open shared memory " + state.body(), Arg.imm(Open.AT_FDCWD),
        Arg.path(MapFiles.own(refs.hole(state.body()), state.sizeBytes())), Arg.imm(state.flags()));
    if (state.offset() != 0) {
      script.callExpecting(state.offset(), Nr.LSEEK, "its offset", Arg.result(fd), Arg.imm(state.offset()),
          Arg.imm(SEEK_SET));
    }
    return fd;
  }
}
