package stasis.kinds.body.fifo;

import java.lang.invoke.MethodHandles;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.FileOwner;
import stasis.kinds.file.NamedFile;
import stasis.kinds.file.OpenFlags;
import stasis.kinds.file.PipeContents;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FileStat;
import stasis.resource.Arg;
import stasis.resource.BodyKind;
import stasis.resource.BodyView;
import stasis.resource.Host;
import stasis.resource.Loss;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Provable;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// A FIFO as long as somebody has it open: how much it holds, and what is in it. One whose name is gone is made anew
/// and deleted again.
public final class FifoBody implements BodyKind<FifoBody.State> {
  /// @param path where it is, or was @param deleted set when it has no name any more
  /// @param content unread bytes @param modifiedNs mtime, ns since the epoch: what is written moves it
  record State(@Tag(1) PathBytes path, @Tag(2) Optional<Deleted> deleted, @Tag(3) int capacityBytes,
      @Tag(4) Bytes content, @Tag(5) long modifiedNs) {
    State {
      if (capacityBytes <= 0 || content.length() > capacityBytes) {
        throw new IllegalArgumentException("a FIFO of " + capacityBytes + " bytes cannot hold " + content.length());
      }
    }
  }

  /// @param mode permission bits
  record Deleted(@Tag(1) int mode, @Tag(2) int uid, @Tag(3) int gid) {
    Deleted {
      if ((mode & ~PERMISSIONS) != 0) {
        throw new IllegalArgumentException("no permissions are " + Integer.toOctalString(mode));
      }
    }
  }

  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "body.fifo", 1);
  private static final int F_SETPIPE_SZ = 1031;
  private static final int PERMISSIONS = 07777;
  /// UTIME_OMIT of utimensat(2).
  private static final long LEAVE = 0x3ffffffe;

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public State checkpoint(BodyView body) throws ObstructedException {
    OpenFile any = body.files().getFirst();
    boolean deleted = any.facts().links() == 0 || NamedFile.isDeleted(any);
    if (!deleted && !NamedFile.leadsTo(any)) {
      throw new ObstructedException(any.subject(), "its path does not lead to it: it is covered by a mount, was"
          + " replaced, or lies in another mount namespace", "undo the mount, or let the program close it");
    }
    if (deleted && any.facts().links() > 0) {
      throw new ObstructedException(any.subject(), "a FIFO that was opened by a name that is gone, and has another,"
          + " cannot be carried", "let the program close it before the checkpoint");
    }
    return new State(deleted ? NamedFile.formerPath(any.link()) : PathBytes.of(any.link()),
        deleted ? Optional.of(deleted(any)) : Optional.empty(), PipeContents.capacity(any), content(body, any),
        NamedFile.modifiedNs(any.facts()));
  }

  private static Deleted deleted(OpenFile file) throws ObstructedException {
    FileOwner owner = FileOwner.of(file);
    return new Deleted(file.facts().mode() & PERMISSIONS, owner.uid(), owner.gid());
  }

  private static Bytes content(BodyView body, OpenFile any) throws ObstructedException {
    int unread = PipeContents.unread(any);
    if (unread == 0) {
      return Bytes.EMPTY;
    }
    OpenFile reader = body.files().stream().filter(f -> OpenFlags.isReadable(f.info().flags())).findFirst()
        .orElseThrow(() -> new ObstructedException(any.subject(), "what is in it cannot be looked at: nobody has it"
            + " open for reading", "let the program open it for reading"));
    List<Bytes> parts = PipeContents.parts(reader, PipeContents.capacity(any), unread);
    boolean packets = body.files().stream().anyMatch(f -> (f.info().flags() & OpenFlags.O_DIRECT) != 0);
    if (packets || parts.size() > 1) {
      throw new ObstructedException(any.subject(), "a FIFO in packet mode (O_DIRECT) with unread packets cannot be"
          + " carried", "let the program read them before the checkpoint");
    }
    return parts.getFirst();
  }

  @Override
  public List<Loss> losses(State state, Host host) {
    var losses = new ArrayList<Loss>();
    if (state.deleted().isPresent() && !isFree(state, host)) {
      losses.add(Loss.of("its name " + state.path() + " is taken, or its directory is gone; its link then reads another"
          + " name"));
    }
    return losses;
  }

  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    return state.deleted().isPresent()
        || host.file(state.path()).filter(now -> now.type() == FileStat.S_IFIFO).isPresent() ? List.of()
        : List.of(new Obstacle.Changed("FIFO " + state.path(), "a FIFO", "none", "make it again (mkfifo(1))"));
  }

  private static boolean isFree(State state, Host host) {
    String path = state.path().latin1();
    PathBytes directory = PathBytes.of(path.substring(0, Math.max(1, path.lastIndexOf('/'))));
    return host.file(state.path()).isEmpty() && host.file(directory).isPresent();
  }

  /// Only its reading end is kept, so that readers see whether there are writers besides; what is in it is written by
  /// one that leaves before them.
  @Override
  public Ref<?> restore(State state, ObjectId self, Script script, Refs refs) {
    PathBytes path = state.deleted().isEmpty() || isFree(state, refs.host()) ? state.path()
        : PathBytes.of("/tmp/.stasis-fifo-" + refs.pidOf(script.task()) + "-" + self.value());
    state.deleted().ifPresent(gone -> script.call(Nr.MKNODAT, "deleted FIFO " + self, Arg.imm(Open.AT_FDCWD),
        Arg.path(path), Arg.imm(FileStat.S_IFIFO | 0600), Arg.imm(0)));
    Ref<Fd> kept = script.call(Nr.OPENAT, "FIFO " + self, Arg.imm(Open.AT_FDCWD), Arg.path(path),
        Arg.imm(Open.O_RDONLY | OpenFlags.O_NONBLOCK | Open.O_CLOEXEC), Arg.imm(0));
    Ref<Fd> writer = script.call(Nr.OPENAT, "a writer for a moment", Arg.imm(Open.AT_FDCWD), Arg.path(path),
        Arg.imm(OpenFlags.O_WRONLY | OpenFlags.O_NONBLOCK | Open.O_CLOEXEC), Arg.imm(0));
    script.call(Nr.FCNTL, "its capacity", Arg.result(writer), Arg.imm(F_SETPIPE_SZ), Arg.imm(state.capacityBytes()));
    if (!state.content().isEmpty()) {
      script.callExpecting(state.content().length(), Nr.WRITE, "its unread bytes", Arg.result(writer),
          Arg.data(state.content()), Arg.imm(state.content().length()));
    }
    script.call(Nr.CLOSE, "it leaves", Arg.result(writer));
    state.deleted().ifPresent(gone -> {
      script.call(Nr.FCHOWN, "owner of FIFO " + self, Arg.result(kept), Arg.imm(gone.uid()), Arg.imm(gone.gid()));
      script.call(Nr.FCHMOD, "mode of FIFO " + self, Arg.result(kept), Arg.imm(gone.mode()));
      script.call(Nr.UNLINKAT, "deleted again", Arg.imm(Open.AT_FDCWD), Arg.path(path), Arg.imm(0));
    });
    return kept;
  }

  @Override
  public void finish(State state, ObjectId self, Script script, Refs refs) {
    Instant modified = Instant.EPOCH.plusNanos(state.modifiedNs());
    script.callTolerating(Set.of(Errno.EPERM), Nr.UTIMENSAT, "time of FIFO " + self, Arg.result(refs.fd(self)),
        Arg.imm(0), Arg.data(Bytes.ofU64(0, LEAVE, modified.getEpochSecond(), modified.getNano())), Arg.imm(0));
  }
  /// One that has a name is the program's own: a copy would read and write what the program does.
  @Override
  public Provable<State> provable(State state) {
    return state.deleted().isPresent() ? new Provable.Whole<>() : new Provable.Part<>(new State(state.path(),
        Optional.of(new Deleted(0600, 0, 0)), state.capacityBytes(), state.content(), state.modifiedNs()),
        "its name: the program has the FIFO open, and the copy another one");
  }

  @Override
  public State agreed(State state, State copy) {
    return new State(state.path(), state.deleted(), copy.capacityBytes(), copy.content(), state.modifiedNs());
  }
}
