package stasis.kinds.file.regular;

import java.lang.invoke.MethodHandles;
import java.util.List;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FdInfo;
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

/// A regular file that still has its name. Contents stay in the file; that they are those of the checkpoint is judged
/// by
/// size and, where the program could not write, by modification time.
public final class RegularFile implements FileKind<RegularFile.State> {
  /// @param flags open file status flags, of open(2) @param positionBytes of the description
  /// @param modifiedNs mtime, ns since the epoch
  public record State(@Tag(1) PathBytes path, @Tag(2) int flags, @Tag(3) long positionBytes, @Tag(4) long sizeBytes,
      @Tag(5) long modifiedNs) {}

  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "file.regular", 1);
  private static final int O_ACCMODE = 3;
  private static final int O_CREAT = 0100;
  private static final int O_EXCL = 0200;
  private static final int O_TRUNC = 01000;
  private static final int AT_FDCWD = -100;
  private static final int SEEK_SET = 0;

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(OpenFile file) {
    return file.facts().type() == FileStat.S_IFREG && file.facts().links() > 0 && file.link().startsWith("/")
        && !file.link().startsWith("/memfd:");
  }

  @Override
  public State checkpoint(OpenFile file) throws ObstructedException {
    FileStat facts = file.facts();
    return new State(PathBytes.of(file.link()),
        file.info().flags() & ~(O_CREAT | O_EXCL | O_TRUNC | FdInfo.O_CLOEXEC), file.info().pos(), facts.sizeBytes(),
        nanoseconds(facts));
  }

  private static long nanoseconds(FileStat facts) {
    return facts.modified().getEpochSecond() * 1_000_000_000L + facts.modified().getNano();
  }

  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    String subject = "file " + state.path();
    String remedy = "put the file back as it was at the checkpoint";
    return host.file(state.path()).<List<Obstacle>>map(now -> {
      if (now.sizeBytes() != state.sizeBytes()) {
        return List.of(new Obstacle.Changed(subject, state.sizeBytes() + " bytes", now.sizeBytes() + " bytes", remedy));
      }
      boolean writable = (state.flags() & O_ACCMODE) != 0;
      if (!writable && nanoseconds(now) != state.modifiedNs()) {
        return List.of(new Obstacle.Changed(subject, "mtime " + state.modifiedNs() + " ns",
            "mtime " + nanoseconds(now) + " ns", remedy));
      }
      return List.of();
    }).orElseGet(() -> List.of(new Obstacle.Changed(subject, "a file", "nothing", remedy)));
  }

  @Override
  public Ref<Fd> restore(State state, Script script, Refs refs) {
    Ref<Fd> fd = script.call(Nr.OPENAT, "open " + state.path(), Arg.imm(AT_FDCWD), Arg.path(state.path()),
        Arg.imm(state.flags()), Arg.imm(0));
    script.callExpecting(state.positionBytes(), Nr.LSEEK, "position in " + state.path(), Arg.result(fd),
        Arg.imm(state.positionBytes()), Arg.imm(SEEK_SET));
    return fd;
  }
}
