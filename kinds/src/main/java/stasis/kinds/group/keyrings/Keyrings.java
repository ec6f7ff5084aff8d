package stasis.kinds.group.keyrings;

import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.resource.Answer;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.FrozenGroup;
import stasis.resource.GroupAspect;
import stasis.resource.Loss;
import stasis.resource.ObstructedException;
import stasis.resource.Question;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;

/// Keyrings of the leader (keyrings(7)). Known, not restored: keys are secrets of the kernel's. The session keyring is
/// not even asked for, because asking installs one (security/keys/process_keys.c, lookup_user_key()); it becomes the
/// restorer's.
public final class Keyrings implements GroupAspect<Keyrings.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "group.keyrings", 1);
  private static final long KEYCTL_GET_KEYRING_ID = 0;
  private static final long KEY_SPEC_THREAD_KEYRING = -1;
  private static final long KEY_SPEC_PROCESS_KEYRING = -2;
  private static final Question THREAD = id(KEY_SPEC_THREAD_KEYRING);
  private static final Question PROCESS = id(KEY_SPEC_PROCESS_KEYRING);

  /// @param keyrings for people: which, and its serial number
  record State(@Tag(1) List<String> keyrings) {
    State {
      keyrings = List.copyOf(keyrings);
    }
  }

  private static Question id(long keyring) {
    return Question.of(Nr.KEYCTL, Arg.imm(KEYCTL_GET_KEYRING_ID), Arg.imm(keyring), Arg.imm(0));
  }

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public List<Question> questions(FrozenGroup group) {
    return List.of(THREAD, PROCESS);
  }

  @Override
  public List<Loss> losses(State state) {
    return state.keyrings().stream().map(keyring -> Loss.of(keyring + " is left behind with its keys")).toList();
  }

  @Override
  public Optional<State> checkpoint(FrozenGroup group, Answers answers) throws ObstructedException {
    var keyrings = new ArrayList<String>();
    keyring(group, answers, THREAD, "thread keyring").ifPresent(keyrings::add);
    keyring(group, answers, PROCESS, "process keyring").ifPresent(keyrings::add);
    return keyrings.isEmpty() ? Optional.empty() : Optional.of(new State(keyrings));
  }

  private static Optional<String> keyring(FrozenGroup group, Answers answers, Question question, String name)
      throws ObstructedException {
    Answer answer = answers.to(question);
    if (answer.failedWith(Errno.ENOKEY) || answer.failedWith(Errno.ENOSYS)) {
      return Optional.empty();
    }
    return Optional.of(name + " " + answers.require(question, group.subject()).result());
  }

  @Override
  public void restore(State state, Script script, Refs refs) {}

  @Override
  public Stage stage() {
    return Stage.BIRTH;
  }
}
