package stasis.kinds.task.altstack;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.FrozenTask;
import stasis.resource.ObstructedException;
import stasis.resource.Question;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;
import stasis.resource.TaskAspect;

/// The alternate signal stack of a thread (sigaltstack(2)). A thread that runs on it now comes back on it: whether it
/// does is a matter of its stack pointer, not of this state.
public final class AltStack implements TaskAspect<AltStack.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "task.altstack", 1);
  /// `struct stack_t`: pointer, int, padding, size.
  private static final int STACK_T_BYTES = 24;
  private static final int SS_DISABLE = 2;
  private static final int SS_AUTODISARM = 1 << 31;
  private static final Question STACK = Question.of(Nr.SIGALTSTACK, Arg.imm(0), Arg.space(STACK_T_BYTES));

  /// @param flags SS_DISABLE and SS_AUTODISARM
  record State(@Tag(1) RemoteAddress base, @Tag(2) long sizeBytes, @Tag(3) int flags) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public List<Question> questions(FrozenTask task) {
    return List.of(STACK);
  }

  @Override
  public Optional<State> checkpoint(FrozenTask task, Answers answers) throws ObstructedException {
    Bytes stack = answers.require(STACK, task.subject()).output(1);
    // SS_ONSTACK, too, may be reported: it follows from the registers, and handed back it would become a mode.
    return Optional.of(new State(new RemoteAddress(stack.u64(0)), stack.u64(16),
        stack.u32(8) & (SS_DISABLE | SS_AUTODISARM)));
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    Bytes stack = Bytes.ofU64(state.base().bits(), state.flags() & 0xffffffffL, state.sizeBytes());
    // No EPERM for a thread that was on it: the kernel asks where the stack pointer is now, which is in our own region
    // (kernel/signal.c, do_sigaltstack()).
    script.call(Nr.SIGALTSTACK, "alternate signal stack", Arg.data(stack), Arg.imm(0));
  }

  @Override
  public Stage stage() {
    return Stage.ATTRIBUTES;
  }
}
