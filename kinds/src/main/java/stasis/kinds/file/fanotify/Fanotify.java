package stasis.kinds.file.fanotify;

import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.HandlePath;
import stasis.kinds.file.OpenFlags;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FdInfo;
import stasis.procfs.MountInfo;
import stasis.resource.Answer;
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

/// A fanotify(7) group with its marks on files, mounts and file systems. One that is asked for permission is refused:
/// whoever restores it would wait for its answer.
public final class Fanotify implements FileKind<Fanotify.State> {
  /// @param path of the file, the mount's point or one in the file system @param flags of fanotify_mark(2), which sort
  ///     and how it ignores @param mask events told @param ignored events not told
  record Mark(@Tag(1) PathBytes path, @Tag(2) int flags, @Tag(3) long mask, @Tag(4) long ignored) {}

  /// @param init flags of fanotify_init(2) @param eventFlags of the files that events carry @param flags of the group's
  ///     own description @param unreadBytes of events
  record State(@Tag(1) int init, @Tag(2) int eventFlags, @Tag(3) int flags, @Tag(4) List<Mark> marks,
      @Tag(5) int unreadBytes) {
    State {
      marks = List.copyOf(marks);
    }
  }

  /// FAN_CLASS_CONTENT and FAN_CLASS_PRE_CONTENT.
  private static final int FAN_CLASS_PERMITS = 4 | 8;
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "file.fanotify", 1);
  private static final int FIONREAD = 0x541b;
  private static final int FAN_MARK_ADD = 1;
  private static final int FAN_MARK_DONT_FOLLOW = 4;
  private static final int FAN_MARK_MOUNT = 0x10;
  private static final int FAN_MARK_IGNORED_MASK = 0x20;
  private static final int FAN_MARK_IGNORED_SURV_MODIFY = 0x40;
  private static final int FAN_MARK_FILESYSTEM = 0x100;
  private static final int FAN_MARK_EVICTABLE = 0x200;
  private static final int FAN_MARK_IGNORE = 0x400;
  /// FAN_OPEN_PERM, FAN_ACCESS_PERM, FAN_OPEN_EXEC_PERM, FAN_PRE_ACCESS.
  private static final long PERMISSION = 0x170000;
  /// FAN_ONDIR and FAN_EVENT_ON_CHILD, which FAN_MARK_IGNORED_MASK does not take.
  private static final long EVENT_FLAGS = 0x48000000L;
  private static final String CLOSE = "let the program close it before the checkpoint";

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(OpenFile file) {
    return file.link().equals("anon_inode:[fanotify]");
  }

  @Override
  public State checkpoint(OpenFile file) throws ObstructedException {
    FdInfo.FanotifyGroup group = file.info().fanotifyGroup();
    MountInfo mounts = MountInfo.parse(file.task().proc("mountinfo"));
    var marks = new ArrayList<Mark>();
    for (FdInfo.FanotifyMark mark : file.info().fanotifyMarks()) {
      if (((mark.mask() | mark.ignored()) & PERMISSION) != 0) {
        throw new ObstructedException(file.subject(), "a fanotify group that is asked for permission cannot be carried:"
            + " whoever restores it would wait for its answer", CLOSE);
      }
      Place place = place(file, mark, mounts).orElseThrow(() -> new ObstructedException(file.subject(),
          "no path is found for what its mark " + mark.text() + " is on", "run with CAP_DAC_READ_SEARCH, or let the"
              + " program remove the mark"));
      marks.add(new Mark(place.path(), place.flag() | mark.flags(), mark.mask(), mark.ignored()));
    }
    Answer unread = file.ask(Nr.IOCTL, Arg.self(), Arg.imm(FIONREAD), Arg.space(4));
    if (unread.failed()) {
      throw new ObstructedException(file.subject(), "whether it holds events cannot be read",
          "run with CAP_SYS_PTRACE");
    }
    return new State(group.flags(), group.eventFlags(), OpenFlags.of(file), marks, unread.output(2).u32(0));
  }

  private record Place(PathBytes path, int flag) {}

  private static Optional<Place> place(OpenFile file, FdInfo.FanotifyMark mark, MountInfo mounts)
      throws ObstructedException {
    if (mark.inode().isPresent()) {
      return HandlePath.of(file, mark.inode().get()).map(path -> new Place(path, FAN_MARK_DONT_FOLLOW));
    }
    if (mark.mount().isPresent()) {
      return mounts.byId(mark.mount().get()).map(mount -> new Place(mount.point(), FAN_MARK_MOUNT));
    }
    return mounts.mounts().stream().filter(mount -> mark.device().equals(Optional.of(mount.device()))).findFirst()
        .map(mount -> new Place(mount.point(), FAN_MARK_FILESYSTEM));
  }

  @Override
  public List<Loss> losses(State state) {
    var losses = new ArrayList<Loss>();
    if (state.unreadBytes() > 0) {
      losses.add(Loss.of(state.unreadBytes() + " bytes of events that were not read yet are lost"));
    }
    if (!state.marks().isEmpty()) {
      losses.add(Loss.of("what happens to its " + state.marks().size()
          + " marked objects before it is restored is not told"));
    }
    return losses;
  }

  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    var obstacles = new ArrayList<Obstacle>();
    state.marks().stream().filter(mark -> host.file(mark.path()).isEmpty()).forEach(mark -> obstacles.add(
        new Obstacle.Changed("fanotify mark on " + mark.path(), "a file or directory", "nothing", "put it back")));
    return obstacles;
  }

  @Override
  public Ref<Fd> restore(State state, Script script, Refs refs) {
    Ref<Fd> fd = script.call(Nr.FANOTIFY_INIT, "fanotify group", Arg.imm(state.init()), Arg.imm(state.eventFlags()));
    OpenFlags.set(state.flags(), Arg.result(fd), script);
    return fd;
  }

  /// Late, so that few steps of the restore are events. A mark that is there already stays.
  @Override
  public void connectOwn(State state, Fd self, Script script, Refs refs) {
    for (Mark mark : state.marks()) {
      int sort = mark.flags() & (FAN_MARK_MOUNT | FAN_MARK_FILESYSTEM | FAN_MARK_DONT_FOLLOW | FAN_MARK_EVICTABLE);
      if (mark.mask() != 0) {
        add(self, sort, mark.mask(), mark, script);
      }
      if (mark.ignored() != 0 && (mark.flags() & FAN_MARK_IGNORE) != 0) {
        add(self, sort | FAN_MARK_IGNORE | mark.flags() & FAN_MARK_IGNORED_SURV_MODIFY, mark.ignored(), mark, script);
      } else if (mark.ignored() != 0) {
        add(self, sort | FAN_MARK_IGNORED_MASK | mark.flags() & FAN_MARK_IGNORED_SURV_MODIFY,
            mark.ignored() & ~EVENT_FLAGS, mark, script);
      }
    }
  }

  private static void add(Fd self, int flags, long mask, Mark mark, Script script) {
    script.call(Nr.FANOTIFY_MARK, "mark on " + mark.path(), Arg.imm(self.value()), Arg.imm(FAN_MARK_ADD | flags),
        Arg.imm(mask), Arg.imm(Open.AT_FDCWD), Arg.path(mark.path()));
  }
  /// Whoever opens a file waits for the answer of every group that is to permit it; the copy never answers.
  @Override
  public Provable<State> provable(State state) {
    return (state.init() & FAN_CLASS_PERMITS) != 0 ? new Provable.Forbidden<>("a copy of this group, which is asked for"
        + " permissions, would hold up everybody's files") : new Provable.Whole<>();
  }

  /// What happens to the files meanwhile is told to the copy too.
  @Override
  public State agreed(State state, State copy) {
    return new State(copy.init(), copy.eventFlags(), copy.flags(), copy.marks(), state.unreadBytes());
  }
}
