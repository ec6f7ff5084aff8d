package stasis.kinds.group.cwd;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.PathBytes;
import stasis.linux.abi.SigSet;
import stasis.procfs.FileStat;
import stasis.resource.Answer;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.FrozenGroup;
import stasis.resource.FrozenTask;
import stasis.resource.GroupAspect;
import stasis.resource.Host;
import stasis.resource.Loss;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;
import stasis.resource.Step;

/// The working directory. One that was deleted is made again at its old path, entered and deleted: nothing can be in
/// it.
public final class WorkingDirectory implements GroupAspect<WorkingDirectory.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "group.cwd", 3);
  private static final String DELETED = " (deleted)";
  private static final Pattern OF_ENDED = Pattern.compile("/proc/([0-9]{1,9})((?:/[a-z]+)*) \\(deleted\\)");
  private static final int CLONE_FS = 0x200;
  private static final int WALL = 0x40000000;
  private static final long AT_FDCWD = -100;
  private static final long AT_REMOVEDIR = 0x200;
  private static final int PERMISSIONS = 07777;
  /// `struct statx`: uid at 20, gid at 24, mode at 28 on every architecture (include/uapi/linux/stat.h).
  private static final int STATX_BYTES = 256;
  private static final long STATX_BASIC_STATS = 0x7ff;

  /// @param path from the restorer's root @param deleted what the directory is, where the path leads there no more
  /// @param ofEnded where it is in `/proc/PID` of a task that is gone
  record State(@Tag(1) PathBytes path, @Tag(2) Optional<Deleted> deleted, @Tag(3) Optional<Ended> ofEnded) {
    State(PathBytes path, Optional<Deleted> deleted) {
      this(path, deleted, Optional.empty());
    }
  }

  /// @param below the path from there on @param pid empty when another task of the tree has that by now
  record Ended(@Tag(1) PathBytes below, @Tag(2) Optional<Integer> pid) {}

  /// @param mode permission bits @param openAt where the group has it open too: then it is entered from there
  record Deleted(@Tag(1) int mode, @Tag(2) int uid, @Tag(3) int gid, @Tag(4) Optional<Fd> openAt) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public List<Loss> losses(State state) {
    return state.deleted().filter(gone -> gone.openAt().isEmpty()).map(_ -> List.of(Loss.of("the deleted directory "
        + state.path() + " comes back for this process alone: others that stand in it get one each"))).orElse(List.of());
  }

  @Override
  public List<Loss> losses(State state, Host host) {
    return state.ofEnded().isEmpty() || number(state.ofEnded().get(), host).isPresent() ? losses(state)
        : List.of(Loss.of("the working directory " + state.path() + " of a task that is gone becomes that of another"
            + " such task: its link then reads another number"));
  }

  /// What the task that will have ended can be called, if that is free.
  private static Optional<Integer> number(Ended ended, Host host) {
    return ended.pid().filter(pid -> host.file(PathBytes.of("/proc/" + pid)).isEmpty());
  }

  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    if (state.ofEnded().isPresent()) {
      return List.of();
    }
    Optional<FileStat> there = host.file(state.path());
    String subject = "working directory " + state.path();
    if (state.deleted().isPresent() && there.isPresent()) {
      return List.of(new Obstacle.Changed(subject, "nothing there (it was deleted)", "a file",
          "move it away for the restore"));
    }
    if (!state.deleted().isPresent() && there.map(facts -> !leadsToDirectory(facts)).orElse(true)) {
      return List.of(new Obstacle.Changed(subject, "a directory", there.isEmpty() ? "nothing" : "another file",
          "make that directory"));
    }
    return List.of();
  }

  private static boolean leadsToDirectory(FileStat facts) {
    return facts.type() == FileStat.S_IFDIR || facts.type() == FileStat.S_IFLNK;
  }

  @Override
  public Optional<State> checkpoint(FrozenGroup group, Answers answers) throws ObstructedException {
    String link = group.leader().link("cwd");
    String subject = group.subject() + " working directory " + link;
    if (!link.startsWith("/")) {
      throw new ObstructedException(subject, "it cannot be reached from the root directory",
          "let the program change to another directory");
    }
    var ofEnded = OF_ENDED.matcher(link);
    if (ofEnded.matches()) {
      return Optional.of(new State(PathBytes.of(link.substring(0, link.length() - DELETED.length())), Optional.empty(),
          Optional.of(new Ended(PathBytes.of(ofEnded.group(2)), Optional.of(Integer.parseInt(ofEnded.group(1)))
              .filter(pid -> group.taskInTree(pid).isEmpty())))));
    }
    // A directory may really be called "x (deleted)": only its link count tells.
    if (group.leader().facts("cwd").links() != 0 || !link.endsWith(DELETED)) {
      return Optional.of(new State(PathBytes.of(link), Optional.empty()));
    }
    return Optional.of(new State(PathBytes.of(link.substring(0, link.length() - DELETED.length())),
        Optional.of(deleted(group, subject))));
  }

  private static Deleted deleted(FrozenGroup group, String subject) throws ObstructedException {
    FrozenTask task = group.leader();
    Answer stat = task.observe(Nr.STATX, Arg.imm(AT_FDCWD), Arg.string("/proc/" + task.tid() + "/cwd"), Arg.imm(0),
        Arg.imm(STATX_BASIC_STATS), Arg.space(STATX_BYTES));
    if (stat.failed()) {
      throw new ObstructedException(subject, "statx failed with " + Errno.of(stat.result()), "");
    }
    Bytes facts = stat.output(4);
    return new Deleted(facts.u16(28) & PERMISSIONS, facts.u32(20), facts.u32(24), openAt(group));
  }

  /// The number a file has in the group that has it first it mostly has in those forked from that.
  private static Optional<Fd> openAt(FrozenGroup group) throws ObstructedException {
    FileStat cwd = group.leader().facts("cwd");
    for (OpenFile file : group.treeFiles()) {
      if (isSame(cwd, file.facts()) && file.holders().stream().anyMatch(h -> h.process().equals(group.leader().id()))
          && isSame(cwd, group.leader().facts("fd/" + file.fd()))) {
        return Optional.of(file.fd());
      }
    }
    return Optional.empty();
  }

  private static boolean isSame(FileStat one, FileStat other) {
    return one.inode() == other.inode() && one.device().equals(other.device()) && one.type() == other.type();
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    if (state.ofEnded().isPresent()) {
      enterOfEnded(state.ofEnded().get(), script, refs);
      return;
    }
    Optional<Fd> openAt = state.deleted().flatMap(Deleted::openAt);
    if (openAt.isPresent()) {
      script.call(Nr.FCHDIR, "deleted working directory", Arg.imm(openAt.get().value()));
      return;
    }
    state.deleted().ifPresent(deleted -> {
      script.call(Nr.MKDIRAT, "deleted working directory", Arg.imm(AT_FDCWD), Arg.path(state.path()), Arg.imm(0700));
      script.call(Nr.FCHOWNAT, "its owner", Arg.imm(AT_FDCWD), Arg.path(state.path()), Arg.imm(deleted.uid()),
          Arg.imm(deleted.gid()), Arg.imm(0));
      script.call(Nr.FCHMODAT, "its mode", Arg.imm(AT_FDCWD), Arg.path(state.path()), Arg.imm(deleted.mode()));
    });
    script.call(Nr.CHDIR, "working directory", Arg.path(state.path()));
    if (state.deleted().isPresent()) {
      script.call(Nr.UNLINKAT, "deleted again", Arg.imm(AT_FDCWD), Arg.path(state.path()), Arg.imm(AT_REMOVEDIR));
    }
  }

  /// Enters that of a child born for it, which then ends. Its number may not be known beforehand; but it shares the
  /// working directory and can call itself `self`.
  private static void enterOfEnded(Ended ended, Script script, Refs refs) {
    var helper = new ObjectId(Integer.MAX_VALUE - script.task().value());
    script.program().append(new Step.Spawn(helper, new Step.Birth.Child(script.task(),
        number(ended, refs.host()).map(List::of).orElse(List.of()), CLONE_FS, 0),
        "a task that will have ended"));
    Script child = script.program().in(helper);
    Ref<?> pid = child.call(Nr.GETPID, "what it is called by");
    child.call(Nr.CHDIR, "its own directory, for both", Arg.string("/proc/self" + ended.below().latin1()));
    script.program().append(new Step.End(helper, 0, new SigSet(0), "it has ended"));
    script.call(Nr.WAIT4, "it is waited for", Arg.result(pid), Arg.imm(0), Arg.imm(WALL), Arg.imm(0));
  }

  @Override
  public Stage stage() {
    return Stage.ATTRIBUTES;
  }

  @Override
  public Of of() {
    return Of.FS;
  }
}
