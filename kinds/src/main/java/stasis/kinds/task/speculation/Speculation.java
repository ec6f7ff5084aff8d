package stasis.kinds.task.speculation;

import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Nr;
import stasis.resource.Answer;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.FrozenTask;
import stasis.resource.ObstructedException;
import stasis.resource.Question;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;
import stasis.resource.TaskAspect;

/// Per-thread control of CPU speculation (PR_SET_SPECULATION_CTRL): store bypass, indirect branches, L1D flush. Only of
/// those that tasks control on this machine at all; the words in `/proc/PID/status` are too coarse to restore from.
public final class Speculation implements TaskAspect<Speculation.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "task.speculation", 1);
  private static final long PR_GET_SPECULATION_CTRL = 52;
  private static final long PR_SET_SPECULATION_CTRL = 53;
  /// Store bypass, indirect branch, L1D flush (include/uapi/linux/prctl.h).
  private static final int MISFEATURES = 3;
  /// Bit of the answer: the control is the task's.
  private static final int PR_SPEC_PRCTL = 1;

  record State(@Tag(1) List<Control> controls) {
    State {
      controls = List.copyOf(controls);
    }
  }

  /// @param misfeature 0 to 2 @param setting PR_SPEC_ENABLE 2, DISABLE 4, FORCE_DISABLE 8, DISABLE_NOEXEC 16
  record Control(@Tag(1) int misfeature, @Tag(2) int setting) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public List<Question> questions(FrozenTask task) {
    var questions = new ArrayList<Question>();
    for (int i = 0; i < MISFEATURES; i++) {
      // Whether tasks control it is the same for all tasks; only then is it worth a call in this one.
      Answer own = task.observeOwn(Nr.PRCTL, Arg.imm(PR_GET_SPECULATION_CTRL), Arg.imm(i));
      if (!own.failed() && (own.result() & PR_SPEC_PRCTL) != 0) {
        questions.add(question(i));
      }
    }
    return questions;
  }

  private static Question question(int misfeature) {
    return Question.of(Nr.PRCTL, Arg.imm(PR_GET_SPECULATION_CTRL), Arg.imm(misfeature));
  }

  @Override
  public Optional<State> checkpoint(FrozenTask task, Answers answers) throws ObstructedException {
    var controls = new ArrayList<Control>();
    for (int i = 0; i < MISFEATURES; i++) {
      if (answers.byQuestion().containsKey(question(i))) {
        int setting = (int) answers.require(question(i), task.subject()).result() & ~PR_SPEC_PRCTL;
        controls.add(new Control(i, setting));
      }
    }
    return controls.isEmpty() ? Optional.empty() : Optional.of(new State(controls));
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    for (Control control : state.controls()) {
      script.call(Nr.PRCTL, "speculation control", Arg.imm(PR_SET_SPECULATION_CTRL), Arg.imm(control.misfeature()),
          Arg.imm(control.setting()));
    }
  }

  @Override
  public Stage stage() {
    return Stage.ATTRIBUTES;
  }
}
