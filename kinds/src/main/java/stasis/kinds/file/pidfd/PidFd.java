package stasis.kinds.file.pidfd;

import java.lang.invoke.MethodHandles;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.OpenFlags;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.procfs.FdInfo;
import stasis.resource.Arg;
import stasis.resource.FileKind;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// A pidfd_open(2) of a task of the tree, made when that is born. One of a task outside is refused.
public final class PidFd implements FileKind<PidFd.State> {
  /// @param flags PIDFD_THREAD and PIDFD_NONBLOCK, which are O_EXCL and O_NONBLOCK
  record State(@Tag(1) ObjectId task, @Tag(2) int flags) {}

  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "file.pidfd", 1);

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(OpenFile file) {
    return file.link().equals("anon_inode:[pidfd]");
  }

  @Override
  public State checkpoint(OpenFile file) throws ObstructedException {
    int pid = (int) file.info().decimal("Pid");
    ObjectId task = file.taskInTree(pid).orElseThrow(() -> new ObstructedException(file.subject(),
        "a pidfd of task " + pid + ", which is outside the tree, cannot be carried",
        "let the program close it before the checkpoint"));
    return new State(task, file.info().flags() & ~FdInfo.O_CLOEXEC & (OpenFlags.O_EXCL | OpenFlags.O_NONBLOCK));
  }

  @Override
  public boolean isLate(State state) {
    return true;
  }

  @Override
  public Ref<Fd> restore(State state, Script script, Refs refs) {
    return script.call(Nr.PIDFD_OPEN, "pidfd of " + state.task(), Arg.imm(refs.pidOf(state.task())),
        Arg.imm(state.flags()));
  }
}
