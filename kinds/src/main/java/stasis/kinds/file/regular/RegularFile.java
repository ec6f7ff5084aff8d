package stasis.kinds.file.regular;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.FileLock;
import stasis.kinds.file.NamedFile;
import stasis.kinds.file.OpenFlags;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FileStat;
import stasis.resource.Arg;
import stasis.resource.FileKind;
import stasis.resource.Host;
import stasis.resource.HostFile;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Provable;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// A regular file that still has its name. Contents stay in the file; that they are those of the checkpoint is judged
/// by
/// size and, where the program could not write, by modification time.
public final class RegularFile implements FileKind<RegularFile.State> {
  /// @param flags of open(2) @param positionBytes of the description @param modifiedNs mtime, ns since the epoch
  /// @param kernelMade a file of /proc or /sys: there is no size or time to compare, and one of the task's own exists
  ///     only with the task
  /// @param gone it shows a number that was seen to be closed: its link says so
  record State(@Tag(1) PathBytes path, @Tag(2) int flags, @Tag(3) long positionBytes, @Tag(4) long sizeBytes,
      @Tag(5) long modifiedNs, @Tag(6) boolean kernelMade, @Tag(7) List<FileLock> locks, @Tag(8) boolean gone) {
    State {
      locks = List.copyOf(locks);
    }
  }

  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "file.regular", 1);
  private static final int SEEK_SET = 0;
  private static final int F_OK = 0;
  private static final String REMEDY = "put the file back as it was at the checkpoint";

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(OpenFile file) {
    return file.facts().type() == FileStat.S_IFREG && file.facts().links() > 0 && file.link().startsWith("/")
        && (file.info().flags() & OpenFlags.O_PATH) == 0 && !NamedFile.isDeleted(file);
  }

  @Override
  public State checkpoint(OpenFile file) throws ObstructedException {
    boolean kernelMade = NamedFile.isKernelMade(file);
    if (!kernelMade && !NamedFile.leadsTo(file)) {
      throw new ObstructedException(file.subject(), "its path does not lead to it: it is covered by a mount, was"
          + " replaced, or lies in another mount namespace", "undo the mount, or let the program close it");
    }
    FileStat facts = file.facts();
    PathBytes link = PathBytes.of(file.link());
    PathBytes path = NamedFile.numberShown(file).map(_ -> NamedFile.formerPath(file.link())).orElse(link);
    return new State(path, OpenFlags.of(file), file.info().pos(), facts.sizeBytes(),
        NamedFile.modifiedNs(facts), kernelMade, FileLock.of(file), !path.equals(link));
  }

  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    if (state.kernelMade()) {
      return List.of();
    }
    String subject = "file " + state.path();
    return host.file(state.path()).<List<Obstacle>>map(now -> compare(state, now, subject)).orElseGet(
        () -> List.of(new Obstacle.Changed(subject, "a file of " + state.sizeBytes() + " bytes", "nothing", REMEDY)));
  }

  private static List<Obstacle> compare(State state, FileStat now, String subject) {
    if (now.type() != FileStat.S_IFREG) {
      return List.of(new Obstacle.Changed(subject, "a regular file", "another type of file", REMEDY));
    }
    if (now.sizeBytes() != state.sizeBytes()) {
      return List.of(new Obstacle.Changed(subject, state.sizeBytes() + " bytes", now.sizeBytes() + " bytes", REMEDY));
    }
    if (!OpenFlags.isWritable(state.flags()) && NamedFile.modifiedNs(now) != state.modifiedNs()) {
      return List.of(new Obstacle.Changed(subject, "mtime " + state.modifiedNs() + " ns",
          "mtime " + NamedFile.modifiedNs(now) + " ns", REMEDY));
    }
    return List.of();
  }

  @Override
  public List<HostFile> hostFiles(State state) {
    return state.kernelMade() ? List.of() : List.of(new HostFile(state.path(), OpenFlags.isWritable(state.flags())));
  }

  /// What /proc shows of a task is there when the task is.
  @Override
  public boolean isLate(State state) {
    return state.kernelMade() && NamedFile.isOfATask(state.path());
  }

  @Override
  public Optional<Number> needsNumber(State state) {
    return isLate(state) ? NamedFile.numberShown(state.path()) : Optional.empty();
  }

  @Override
  public Ref<Fd> restore(State state, Script script, Refs refs) {
    Ref<Fd> fd = script.call(Nr.OPENAT, "open " + state.path(), Arg.imm(Open.AT_FDCWD), Arg.path(state.path()),
        Arg.imm(state.flags()), Arg.imm(0));
    if (state.positionBytes() != 0) {
      script.callExpecting(state.positionBytes(), Nr.LSEEK, "position in " + state.path(), Arg.result(fd),
          Arg.imm(state.positionBytes()), Arg.imm(SEEK_SET));
    }
    return fd;
  }

  @Override
  public void connect(State state, Fd self, Script script, Refs refs) {
    FileLock.takeShared(state.locks(), self, state.flags(), script);
    if (state.gone()) {
      script.callTolerating(Set.of(Errno.ENOENT), Nr.FACCESSAT, "see that " + state.path() + " is gone",
          Arg.imm(Open.AT_FDCWD), Arg.path(state.path()), Arg.imm(F_OK));
    }
  }

  @Override
  public void connectOwn(State state, Fd self, Script script, Refs refs) {
    FileLock.takeOwn(state.locks(), self, state.flags(), script);
  }
  @Override
  public Provable<State> provable(State state) {
    return state.locks().isEmpty() ? new Provable.Whole<>() : new Provable.Part<>(new State(state.path(), state.flags(),
        state.positionBytes(), state.sizeBytes(), state.modifiedNs(), state.kernelMade(), List.of(), state.gone()),
        FileLock.UNPROVABLE);
  }

  /// A program that runs on may write to the host's file meanwhile.
  @Override
  public State agreed(State state, State copy) {
    return new State(copy.path(), copy.flags(), copy.positionBytes(), state.sizeBytes(), state.modifiedNs(),
        copy.kernelMade(), copy.locks(), copy.gone());
  }
}
