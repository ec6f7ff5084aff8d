package stasis.kinds.group.cwd;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Nr;
import stasis.linux.abi.PathBytes;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.FileFacts;
import stasis.resource.FrozenGroup;
import stasis.resource.GroupAspect;
import stasis.resource.Host;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;

/// The working directory. One that was deleted is made again at its old path, entered and deleted: nothing can be in it.
public final class WorkingDirectory implements GroupAspect<WorkingDirectory.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "group.cwd", 1);
  private static final String DELETED = " (deleted)";
  private static final long AT_FDCWD = -100;
  private static final long AT_REMOVEDIR = 0x200;
  private static final int PERMISSIONS = 07777;

  /// @param path from the restorer's root @param mode permission bits @param uid owner @param gid owning group
  record State(@Tag(1) PathBytes path, @Tag(2) boolean deleted, @Tag(3) int mode, @Tag(4) int uid, @Tag(5) int gid) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    Optional<FileFacts> there = host.file(state.path());
    String subject = "working directory " + state.path();
    if (state.deleted() && there.isPresent()) {
      return List.of(new Obstacle.Changed(subject, "nothing there (it was deleted)", "a file",
          "move it away for the restore"));
    }
    if (!state.deleted() && there.map(facts -> !leadsToDirectory(facts)).orElse(true)) {
      return List.of(new Obstacle.Changed(subject, "a directory", there.isEmpty() ? "nothing" : "another file",
          "make that directory"));
    }
    return List.of();
  }

  private static boolean leadsToDirectory(FileFacts facts) {
    return facts.type() == FileFacts.S_IFDIR || facts.type() == FileFacts.S_IFLNK;
  }

  @Override
  public Optional<State> checkpoint(FrozenGroup group, Answers answers) throws ObstructedException {
    String link = group.leader().link("cwd");
    FileFacts facts = group.leader().facts("cwd");
    String subject = group.subject() + " working directory " + link;
    if (!link.startsWith("/")) {
      throw new ObstructedException(subject, "it cannot be reached from the root directory",
          "let the program change to another directory");
    }
    // A directory may really be called "x (deleted)": only its link count tells.
    boolean deleted = facts.links() == 0 && link.endsWith(DELETED);
    String path = deleted ? link.substring(0, link.length() - DELETED.length()) : link;
    return Optional.of(new State(PathBytes.of(path), deleted, facts.mode() & PERMISSIONS, facts.uid(), facts.gid()));
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    if (state.deleted()) {
      script.call(Nr.MKDIRAT, "deleted working directory", Arg.imm(AT_FDCWD), Arg.path(state.path()), Arg.imm(0700));
      script.call(Nr.FCHOWNAT, "its owner", Arg.imm(AT_FDCWD), Arg.path(state.path()), Arg.imm(state.uid()),
          Arg.imm(state.gid()), Arg.imm(0));
      script.call(Nr.FCHMODAT, "its mode", Arg.imm(AT_FDCWD), Arg.path(state.path()), Arg.imm(state.mode()));
    }
    script.call(Nr.CHDIR, "working directory", Arg.path(state.path()));
    if (state.deleted()) {
      script.call(Nr.UNLINKAT, "deleted again", Arg.imm(AT_FDCWD), Arg.path(state.path()), Arg.imm(AT_REMOVEDIR));
    }
  }

  @Override
  public Stage stage() {
    return Stage.ATTRIBUTES;
  }
}
