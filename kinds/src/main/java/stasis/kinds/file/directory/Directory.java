package stasis.kinds.file.directory;

import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.FileLock;
import stasis.kinds.file.NamedFile;
import stasis.kinds.file.OpenFlags;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FileStat;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.BodyKey;
import stasis.resource.FileKind;
import stasis.resource.HiddenWatch;
import stasis.resource.Host;
import stasis.resource.Loss;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Provable;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// An open directory, with how far it was read, and who is sent a signal when something changes in it (F_NOTIFY of
/// fcntl(2)). The position is the file system's own cookie (readdir(3), telldir(3)).
public final class Directory implements FileKind<Directory.State> {
  /// @param flags of open(2) @param lasting whether the file system's cookies mean the same as long as it exists
  /// @param gone the directory itself, where it was deleted
  record State(@Tag(1) PathBytes path, @Tag(2) int flags, @Tag(3) long cookie, @Tag(4) boolean lasting,
      @Tag(5) List<FileLock> locks, @Tag(6) Optional<ObjectId> gone, @Tag(7) List<Watch> watches) {
    State {
      watches = List.copyOf(watches);
      locks = List.copyOf(locks);
    }
  }

  /// Signals that a process has asked for.
  ///
  /// @param fd that they tell @param mask `DN_` bits
  record Watch(@Tag(1) ObjectId process, @Tag(2) Fd fd, @Tag(3) long mask) {}

  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "file.directory", 3);
  private static final int SEEK_SET = 0;
  private static final int F_GETOWN_EX = 16;
  private static final int F_NOTIFY = 1026;
  private static final int PAIR_BYTES = 8;
  private static final long DN_MULTISHOT = 0x80000000L;
  /// include/linux/fsnotify_backend.h.
  private static final int FS_DN_MULTISHOT = 0x20000000;
  /// What the kernel makes of DN_ACCESS, DN_MODIFY, DN_CREATE, DN_DELETE, DN_RENAME and DN_ATTRIB: FS_ACCESS, FS_MODIFY,
  /// FS_CREATE, FS_DELETE, FS_RENAME, FS_ATTRIB.
  private static final List<Integer> KERNEL_BITS = List.of(0x1, 0x2, 0x100, 0x200, 0x10000000, 0x4);
  /// ext2/3/4, XFS, btrfs, tmpfs: hashes, offsets or ids that stay (uapi/linux/magic.h).
  private static final Set<Long> LASTING = Set.of(0xef53L, 0x58465342L, 0x9123683eL, 0x01021994L);

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(OpenFile file) {
    return file.facts().type() == FileStat.S_IFDIR && file.link().startsWith("/")
        && (file.info().flags() & OpenFlags.O_PATH) == 0;
  }

  @Override
  public State checkpoint(OpenFile file) throws ObstructedException {
    if (file.facts().links() == 0) {
      return gone(file);
    }
    if (!NamedFile.isKernelMade(file) && !NamedFile.leadsTo(file)) {
      throw new ObstructedException(file.subject(), "its path does not lead to it: it is covered by a mount, or lies in"
          + " another mount namespace", "undo the mount, or let the program close it");
    }
    return new State(PathBytes.of(file.link()), OpenFlags.of(file) | OpenFlags.O_DIRECTORY, file.info().pos(),
        LASTING.contains(file.filesystemMagic()), FileLock.of(file), Optional.empty(),
        watches(file));
  }

  /// Whoever asks for signals owns the directory's (fs/notify/dnotify/dnotify.c): only then is it looked for.
  private static List<Watch> watches(OpenFile file) throws ObstructedException {
    Answer owner = file.ask(Nr.FCNTL, Arg.self(), Arg.imm(F_GETOWN_EX), Arg.space(PAIR_BYTES));
    if (owner.failed() || owner.output(2).u32(4) == 0) {
      return List.of();
    }
    List<HiddenWatch> seen = file.hiddenWatches().orElseThrow(() -> new ObstructedException(file.subject(),
        "signals may be sent when something changes in this directory (F_NOTIFY), and nothing shows of what",
        "run with CAP_BPF and CAP_PERFMON, or let the program take the owner off it (F_SETOWN 0)"));
    var watches = new ArrayList<Watch>();
    for (HiddenWatch watch : seen) {
      watches.add(new Watch(watch.process(), watch.fd(), asked(watch.mask())));
    }
    return watches;
  }

  /// From the kernel's own bits to those of F_NOTIFY (fs/notify/dnotify/dnotify.c, convert_arg()).
  private static long asked(int mask) {
    long asked = 0;
    for (int bit = 0; bit < KERNEL_BITS.size(); bit++) {
      if ((mask & KERNEL_BITS.get(bit)) != 0) {
        asked |= 1L << bit;
      }
    }
    return asked | ((mask & FS_DN_MULTISHOT) != 0 ? DN_MULTISHOT : 0);
  }

  private static State gone(OpenFile file) throws ObstructedException {
    int flags = OpenFlags.of(file) | OpenFlags.O_DIRECTORY;
    if ((flags & OpenFlags.O_NOFOLLOW) != 0) {
      throw new ObstructedException(file.subject(), "a deleted directory opened with O_NOFOLLOW cannot be carried",
          "let the program close it before the checkpoint");
    }
    BodyKey key = new BodyKey("body.directory", file.facts().device().stat(), file.facts().inode());
    return new State(NamedFile.formerPath(file.link()), flags, 0, true, FileLock.of(file),
        Optional.of(file.body(key)), watches(file));
  }

  @Override
  public Set<ObjectId> needs(State state) {
    return state.gone().map(Set::of).orElse(Set.of());
  }

  @Override
  public List<Loss> losses(State state) {
    return state.cookie() == 0 || state.lasting() ? List.of()
        : List.of(Loss.of("how far it was read may mean another entry: this file system's positions need not last"));
  }

  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    boolean ownOfTask = state.path().latin1().startsWith("/proc/");
    boolean there = host.file(state.path()).filter(now -> now.type() == FileStat.S_IFDIR).isPresent();
    return ownOfTask || state.gone().isPresent() || there ? List.of()
        : List.of(new Obstacle.Changed("directory " + state.path(), "a directory", "none", "make it again"));
  }

  /// What /proc shows of a task is there when the task is.
  @Override
  public boolean isLate(State state) {
    return state.gone().isEmpty() && NamedFile.isOfATask(state.path());
  }

  @Override
  public Ref<Fd> restore(State state, Script script, Refs refs) {
    Ref<Fd> fd = script.call(Nr.OPENAT, "open " + state.path(), Arg.imm(Open.AT_FDCWD),
        Arg.path(state.gone().map(refs::path).orElse(state.path())), Arg.imm(state.flags()), Arg.imm(0));
    if (state.cookie() != 0) {
      script.callExpecting(state.cookie(), Nr.LSEEK, "how far it was read", Arg.result(fd), Arg.imm(state.cookie()),
          Arg.imm(SEEK_SET));
    }
    return fd;
  }

  @Override
  public void connect(State state, Fd self, Script script, Refs refs) {
    FileLock.takeShared(state.locks(), self, state.flags(), script);
  }

  @Override
  public void connectOwn(State state, Fd self, Script script, Refs refs) {
    FileLock.takeOwn(state.locks(), self, state.flags(), script);
    state.watches().stream().filter(watch -> watch.process().equals(script.task())).forEach(watch ->
        script.call(Nr.FCNTL, "signals of what changes in it", Arg.imm(watch.fd().value()), Arg.imm(F_NOTIFY),
            Arg.imm(watch.mask())));
  }
  @Override
  public Provable<State> provable(State state) {
    return state.locks().isEmpty() ? new Provable.Whole<>() : new Provable.Part<>(new State(state.path(), state.flags(),
        state.cookie(), state.lasting(), List.of(), state.gone(), state.watches()), FileLock.UNPROVABLE);
  }
}
