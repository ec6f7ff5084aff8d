package stasis.engine;

import java.util.List;
import java.util.Optional;
import stasis.linux.abi.Tid;
import stasis.linux.bpf.HiddenTask;
import stasis.linux.bpf.RestartBlock;
import stasis.resource.Answer;
import stasis.resource.HiddenMm;
import stasis.resource.HiddenThread;
import stasis.resource.ObstructedException;
import stasis.resource.Question;

/// Finds out what only the kernel or the task itself knows.
interface Answerer {
  List<Answer> ask(Tid thread, List<Question> questions) throws ObstructedException;

  /// See [Frozen#hiddenMm].
  Optional<HiddenMm> hiddenMm();

  /// See [Frozen#childSubreaper].
  Optional<Boolean> childSubreaper();

  /// See [Frozen#hidden].
  Optional<HiddenThread> hidden(Tid thread);

  /// What the kernel's own fields said of it while it was stopped; empty where they cannot be read.
  Optional<HiddenTask> seen(Tid thread);

  /// What restart_syscall(2) would go on with in a stopped thread; empty where that cannot be read.
  Optional<RestartBlock> restartBlock(Tid thread);

  /// When the thread last went to sleep, CLOCK_MONOTONIC ns, by the scheduler's account and a few ms off; empty where
  /// that cannot be read.
  Optional<Long> asleepSinceNs(Tid thread);
}
