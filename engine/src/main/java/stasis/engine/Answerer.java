package stasis.engine;

import java.util.List;
import java.util.Optional;
import stasis.linux.abi.Tid;
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

  /// See [Frozen#hidden].
  Optional<HiddenThread> hidden(Tid thread);

  /// What is left of the wait a stopped thread's restart block holds, in ns; empty where that cannot be read.
  Optional<Long> restartExpiryNs(Tid thread);

  /// When the thread last went to sleep, CLOCK_MONOTONIC ns, by the scheduler's account and a few ms off; empty where
  /// that cannot be read.
  Optional<Long> asleepSinceNs(Tid thread);
}
