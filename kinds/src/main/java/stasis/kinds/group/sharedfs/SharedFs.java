package stasis.kinds.group.sharedfs;

import java.lang.invoke.MethodHandles;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.resource.Answer;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.FrozenGroup;
import stasis.resource.FrozenTask;
import stasis.resource.GroupAspect;
import stasis.resource.ObstructedException;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;

/// All threads have one table of files, and one working directory, root and umask, or the group is refused: a thread may
/// have left them with unshare(2).
public final class SharedFs implements GroupAspect<SharedFs.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "group.sharedfs", 1);
  private static final long KCMP_FILES = 2;
  private static final long KCMP_FS = 3;

  /// Never stored.
  record State(@Tag(1) boolean shared) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public Optional<State> checkpoint(FrozenGroup group, Answers answers) throws ObstructedException {
    FrozenTask leader = group.leader();
    for (FrozenTask task : group.tasks()) {
      if (!task.tid().equals(leader.tid())) {
        require(task, leader, KCMP_FS, "a working directory, root and umask");
        require(task, leader, KCMP_FILES, "a table of files");
      }
    }
    return Optional.empty();
  }

  private static void require(FrozenTask task, FrozenTask leader, long type, String what) throws ObstructedException {
    Answer same = task.observe(Nr.KCMP, Arg.imm(leader.tid().value()), Arg.imm(task.tid().value()), Arg.imm(type),
        Arg.imm(0), Arg.imm(0));
    if (same.failed()) {
      throw new ObstructedException(task.subject(), "kcmp failed with " + Errno.of(same.result()), "");
    }
    if (same.result() != 0) {
      throw new ObstructedException(task.subject(), "it has " + what + " apart from its thread group's", "");
    }
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    throw new IllegalStateException("what threads share is never stored");
  }

  @Override
  public Stage stage() {
    return Stage.ATTRIBUTES;
  }
}
