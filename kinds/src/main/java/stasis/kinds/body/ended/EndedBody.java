package stasis.kinds.body.ended;

import java.lang.invoke.MethodHandles;
import java.util.Comparator;
import java.util.List;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.EndedTask;
import stasis.kinds.file.OpenFlags;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SigSet;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.BodyKind;
import stasis.resource.BodyView;
import stasis.resource.Loss;
import stasis.resource.OpenFile;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Step;

/// A task that has ended and was waited for, and that somebody has a pidfd of. Another is born and opened, ends as it
/// did, and is waited for.
public final class EndedBody implements BodyKind<EndedBody.State> {
  /// @param flags of each pidfd: PIDFD_THREAD and PIDFD_NONBLOCK, which are O_EXCL and O_NONBLOCK
  /// @param status as wait(2) gave it; 0 where the kernel does not tell
  record State(@Tag(1) List<Integer> flags, @Tag(2) int status) {
    State {
      flags = List.copyOf(flags);
      if (flags.isEmpty() || (status & ~0xffff) != 0) {
        throw new IllegalArgumentException("no end is " + Integer.toHexString(status));
      }
    }
  }

  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "body.ended", 1);
  /// Since Linux 6.15 (include/uapi/linux/pidfd.h).
  private static final long PIDFD_GET_INFO = 0xc040ff0bL;
  private static final int INFO_BYTES = 64;
  private static final int PIDFD_INFO_EXIT = 8;
  private static final int EXIT_CODE_AT = 60;
  private static final int CORE_WRITTEN = 0x80;
  private static final int SIGNAL = 0x7f;
  private static final int SIGKILL = 9;
  private static final int PR_SET_DUMPABLE = 4;
  private static final int SIGSET_BYTES = 8;
  private static final int WALL = 0x40000000;

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public State checkpoint(BodyView body) {
    List<OpenFile> files = body.files().stream().sorted(Comparator.comparing(OpenFile::id)).toList();
    return new State(files.stream().map(file -> file.info().flags() & (OpenFlags.O_EXCL | OpenFlags.O_NONBLOCK))
        .toList(), status(files.getFirst()));
  }

  private static int status(OpenFile file) {
    Answer answer = file.ask(Nr.IOCTL, Arg.self(), Arg.imm(PIDFD_GET_INFO),
        Arg.data(Bytes.zeros(INFO_BYTES).withU64(0, PIDFD_INFO_EXIT)));
    return answer.failed() || (answer.output(2).u64(0) & PIDFD_INFO_EXIT) == 0 ? 0
        : answer.output(2).u32(EXIT_CODE_AT) & 0xffff;
  }

  @Override
  public List<Loss> losses(State state) {
    return (state.status() & CORE_WRITTEN) == 0 ? List.of()
        : List.of(Loss.of("PIDFD_GET_INFO will say that the task wrote no core when it ended"));
  }

  /// The task has this body's id while it lives.
  @Override
  public Ref<?> restore(State state, ObjectId self, Script script, Refs refs) {
    script.program().append(new Step.Spawn(self, new Step.Birth.Child(script.task(), List.of(), 0, 0),
        "a task that will have ended"));
    Script task = script.program().in(self);
    Ref<?> pid = task.call(Nr.GETPID, "what it is called by");
    for (int i = 0; i < state.flags().size(); i++) {
      refs.note(self, EndedTask.pidfd(i), open(pid, state.flags().get(i), script));
    }
    Ref<Fd> own = open(pid, 0, script);
    int signal = state.status() & SIGNAL;
    if (signal != 0 && signal != SIGKILL) {
      task.call(Nr.PRCTL, "no core", Arg.imm(PR_SET_DUMPABLE), Arg.imm(0));
      task.call(Nr.RT_SIGACTION, "which ends it", Arg.imm(signal), Arg.data(Bytes.ofU64(0, 0, 0, 0)), Arg.imm(0),
          Arg.imm(SIGSET_BYTES));
    }
    script.program().append(new Step.End(self, state.status() & ~CORE_WRITTEN, new SigSet(0), "as it ended"));
    script.call(Nr.WAIT4, "it is waited for", Arg.result(pid), Arg.imm(0), Arg.imm(WALL), Arg.imm(0));
    return own;
  }

  private static Ref<Fd> open(Ref<?> pid, int flags, Script script) {
    return script.call(Nr.PIDFD_OPEN, "pidfd of it", Arg.result(pid), Arg.imm(flags));
  }
}
