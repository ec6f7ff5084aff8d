package stasis.kinds.file.ended;

import java.lang.invoke.MethodHandles;
import java.util.Set;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.EndedTask;
import stasis.linux.abi.Fd;
import stasis.resource.FileKind;
import stasis.resource.OpenFile;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// A pidfd of a task that has ended and was waited for. The task is a body: no pidfd of it can be opened any more, so
/// all are had from it when it is made.
public final class EndedPidFd implements FileKind<EndedPidFd.State> {
  /// @param index which of the pidfds of that task
  record State(@Tag(1) ObjectId body, @Tag(2) int index) {}

  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "file.ended", 1);

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(OpenFile file) {
    return EndedTask.isOf(file);
  }

  @Override
  public State checkpoint(OpenFile file) {
    return new State(file.body(EndedTask.key(file)), EndedTask.index(file, file.onSameInode()));
  }

  @Override
  public Set<ObjectId> needs(State state) {
    return Set.of(state.body());
  }

  @Override
  @SuppressWarnings("unchecked") // what the body noted under this name is an fd
  public Ref<Fd> restore(State state, Script script, Refs refs) {
    return (Ref<Fd>) refs.noted(state.body(), EndedTask.pidfd(state.index()));
  }
}
