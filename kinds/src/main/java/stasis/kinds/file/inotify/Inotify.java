package stasis.kinds.file.inotify;

import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.HandlePath;
import stasis.kinds.file.OpenFlags;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FdInfo;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.FileKind;
import stasis.resource.Host;
import stasis.resource.Loss;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// An inotify(7): its watches under their numbers. The kernel knows a watched file by handle; its path is found by
/// that.
public final class Inotify implements FileKind<Inotify.State> {
  /// @param path where it was, for one that no path leads to @param mask IN_ bits of inotify_add_watch(2)
  /// @param file one that no path leads to, and that is open
  record Watch(@Tag(1) int wd, @Tag(2) PathBytes path, @Tag(3) int mask, @Tag(4) Optional<ObjectId> file) {}

  /// @param watches by number @param unreadBytes of events
  record State(@Tag(1) List<Watch> watches, @Tag(2) int unreadBytes, @Tag(3) int flags) {
    State {
      watches = List.copyOf(watches);
    }
  }

  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "file.inotify", 2);
  private static final int FIONREAD = 0x541b;
  /// _IOW('I', 0, __s32), only with CONFIG_CHECKPOINT_RESTORE.
  private static final int INOTIFY_IOC_SETNEXTWD = 0x40044900;
  private static final int IN_DONT_FOLLOW = 0x02000000;
  /// IN_ALL_EVENTS, IN_EXCL_UNLINK, IN_ONESHOT: what a watch keeps.
  private static final int KEPT = 0xfff | 0x04000000 | 0x80000000;

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(OpenFile file) {
    return file.link().equals("anon_inode:inotify") || file.link().equals("anon_inode:[inotify]");
  }

  @Override
  public State checkpoint(OpenFile file) throws ObstructedException {
    var watches = new ArrayList<Watch>();
    for (FdInfo.InotifyWatch watch : file.info().inotifyWatches()) {
      Optional<PathBytes> path = HandlePath.of(file, watch);
      watches.add(path.isPresent()
          ? new Watch(watch.wd(), path.get(), watch.mask() & KEPT, Optional.empty()) : ofOpen(file, watch));
    }
    watches.sort(Comparator.comparingInt(Watch::wd));
    Answer unread = file.ask(Nr.IOCTL, Arg.self(), Arg.imm(FIONREAD), Arg.space(4));
    if (unread.failed()) {
      throw new ObstructedException(file.subject(), "whether it holds events cannot be read",
          "run with CAP_SYS_PTRACE");
    }
    return new State(watches, unread.output(2).u32(0), OpenFlags.of(file));
  }

  /// A watch on a file that is open in a process that has the inotify too.
  private static Watch ofOpen(OpenFile file, FdInfo.InotifyWatch watch) throws ObstructedException {
    Set<ObjectId> processes = file.holders().stream().map(OpenFile.Holder::process).collect(Collectors.toSet());
    OpenFile open = file.tree().stream().filter(other -> !other.id().equals(file.id())
        && other.facts().inode() == watch.inode() && other.facts().device().equals(watch.device())
        && other.holders().stream().anyMatch(holder -> processes.contains(holder.process()))).findFirst()
        .orElseThrow(() -> new ObstructedException(file.subject(), "no path is found for what its watch " + watch.wd()
            + " watches (inode " + watch.inode() + " of device " + watch.device() + ")",
            "run with CAP_DAC_READ_SEARCH, or let the program remove the watch"));
    return new Watch(watch.wd(), PathBytes.of(open.link()), watch.mask() & KEPT, Optional.of(open.id()));
  }

  @Override
  public List<Loss> losses(State state) {
    return state.unreadBytes() == 0 ? List.of()
        : List.of(Loss.of(state.unreadBytes() + " bytes of events that were not read yet are lost"));
  }

  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    return state.watches().stream().filter(watch -> watch.file().isEmpty() && host.file(watch.path()).isEmpty())
        .<Obstacle>map(watch -> new Obstacle.Changed("inotify watch " + watch.path(), "a file or directory", "nothing",
            "put it back")).toList();
  }

  @Override
  public Ref<Fd> restore(State state, Script script, Refs refs) {
    Ref<Fd> fd = script.call(Nr.INOTIFY_INIT1, "inotify", Arg.imm(state.flags() & OpenFlags.O_NONBLOCK));
    OpenFlags.complete(state.flags(), fd, script);
    return fd;
  }

  /// When no file is closed any more, so that no step of the restore itself is an event. A watch that is there already,
  /// because another process has the description too, stays as it is.
  @Override
  public void connectOwn(State state, Fd self, Script script, Refs refs) {
    for (Watch watch : state.watches()) {
      List<Fd> open = watch.file().map(refs::places).orElse(List.of());
      if (watch.file().isPresent() && open.isEmpty()) {
        continue;
      }
      PathBytes path = open.isEmpty() ? watch.path() : PathBytes.of("/proc/self/fd/" + open.getFirst());
      script.call(Nr.IOCTL, "number of the next watch", Arg.imm(self.value()), Arg.imm(INOTIFY_IOC_SETNEXTWD),
          Arg.imm(watch.wd()));
      script.callExpecting(watch.wd(), Nr.INOTIFY_ADD_WATCH, "watch " + watch.path(), Arg.imm(self.value()),
          Arg.path(path), Arg.imm(open.isEmpty() ? watch.mask() | IN_DONT_FOLLOW : watch.mask()));
    }
  }
  /// What happens to the files meanwhile is told to the copy too.
  @Override
  public State agreed(State state, State copy) {
    return new State(copy.watches(), state.unreadBytes(), copy.flags());
  }
}
