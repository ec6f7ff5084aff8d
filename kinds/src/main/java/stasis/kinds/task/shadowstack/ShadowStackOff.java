package stasis.kinds.task.shadowstack;

import java.lang.invoke.MethodHandles;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.resource.Answers;
import stasis.resource.FrozenTask;
import stasis.resource.ObstructedException;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;
import stasis.resource.TaskAspect;

/// No shadow stack and no masked pointers (arch_prctl(2) ARCH_SHSTK_ENABLE, ARCH_ENABLE_TAGGED_ADDR), or the task is
/// refused: `x86_Thread_features` and `untag_mask` in `/proc/PID/status` tell.
public final class ShadowStackOff implements TaskAspect<ShadowStackOff.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "task.shadowstack", 1);
  private static final long ALL_BITS_COUNT = -1;

  /// Never stored.
  record State(@Tag(1) boolean on) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public Optional<State> checkpoint(FrozenTask task, Answers answers) throws ObstructedException {
    String features = task.status().x86ThreadFeatures().orElse("").strip();
    if (!features.isEmpty()) {
      throw new ObstructedException(task.subject(), "it uses the CPU features " + features,
          "start it with GLIBC_TUNABLES=glibc.cpu.x86_shstk=off");
    }
    long mask = task.status().untagMask().orElse(ALL_BITS_COUNT);
    if (mask != ALL_BITS_COUNT) {
      throw new ObstructedException(task.subject(),
          "it uses linear address masking, untag mask 0x" + Long.toHexString(mask), "");
    }
    return Optional.empty();
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    throw new IllegalStateException("a shadow stack is never stored");
  }

  @Override
  public Stage stage() {
    return Stage.LAST;
  }
}
