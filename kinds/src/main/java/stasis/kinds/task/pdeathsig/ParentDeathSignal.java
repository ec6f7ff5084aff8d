package stasis.kinds.task.pdeathsig;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Nr;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.FrozenGroup;
import stasis.resource.FrozenTask;
import stasis.resource.Loss;
import stasis.resource.ObstructedException;
import stasis.resource.Question;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;
import stasis.resource.TaskAspect;

/// The signal a thread gets when the thread that made its group ends (PR_SET_PDEATHSIG). Set after credentials, whose
/// every change clears it (kernel/cred.c, commit_creds()).
public final class ParentDeathSignal implements TaskAspect<ParentDeathSignal.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "task.pdeathsig", 1);
  private static final long PR_SET_PDEATHSIG = 1;
  private static final Question SIGNAL = Question.of(Nr.PRCTL, Arg.imm(2), Arg.space(4));

  /// @param signal 0 for none @param parentOutside whether the parent is not part of the tree
  record State(@Tag(1) int signal, @Tag(2) boolean parentOutside) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public List<Question> questions(FrozenTask task) {
    return List.of(SIGNAL);
  }

  @Override
  public List<Loss> losses(State state) {
    return state.signal() != 0 && state.parentOutside()
        ? List.of(new Loss("signal " + state.signal() + " comes when the restorer ends, not the old parent",
            "let the restorer wait for the program (no --detach)")) : List.of();
  }

  @Override
  public Optional<State> checkpoint(FrozenTask task, Answers answers) throws ObstructedException {
    int signal = answers.require(SIGNAL, task.subject()).output(1).u32(0);
    int parent = task.stat().ppid();
    if (signal != 0 && task.group().tree().stream().anyMatch(group -> group.pid() == parent && hasEnded(group))) {
      throw new ObstructedException(task.subject(), "it gets signal " + signal + " at its parent's end"
          + " (PR_SET_PDEATHSIG), and its parent's first thread has ended: by that thread it would be born again, and"
          + " get the signal when it ends again", "let it give that up (PR_SET_PDEATHSIG 0) before the checkpoint");
    }
    return Optional.of(new State(signal, task.group().taskInTree(parent).isEmpty()));
  }

  /// Whether its first thread has: another stands for it.
  private static boolean hasEnded(FrozenGroup group) {
    return group.leader().tid().value() != group.pid();
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    script.call(Nr.PRCTL, "signal at the parent's end", Arg.imm(PR_SET_PDEATHSIG), Arg.imm(state.signal()));
  }

  @Override
  public Stage stage() {
    return Stage.CREDENTIALS;
  }
}
