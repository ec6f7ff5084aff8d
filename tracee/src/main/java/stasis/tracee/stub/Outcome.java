package stasis.tracee.stub;

import java.util.List;
import stasis.linux.abi.Tid;
import stasis.tracee.Stop;

/// How a run of a [Batch] ended.
public sealed interface Outcome {
  /// Every entry ran and returned what was expected. Like the next three it tells of the tasks born, in the order of
  /// their entries.
  record Completed(Results results, List<Newborn> born) implements Outcome {
    public Completed {
      born = List.copyOf(born);
    }
  }

  /// The entry at `index` returned something else than expected; the task waits.
  record Stopped(int index, long result, Results results, List<Newborn> born) implements Outcome {
    public Stopped {
      born = List.copyOf(born);
    }
  }

  /// A fault (SIGSEGV, SIGBUS, SIGILL, SIGFPE or SIGSYS) in the entry at `index`; the task is stopped for its delivery.
  record Faulted(int index, Stop.SignalDelivery stop, Results results, List<Newborn> born) implements Outcome {
    public Faulted {
      born = List.copyOf(born);
    }
  }

  /// The deadline passed in the entry at `index`. The task was interrupted, and is fit for nothing but [Stub#close].
  record Late(int index, Results results, List<Newborn> born) implements Outcome {
    public Late {
      born = List.copyOf(born);
    }
  }

  /// The task is gone. Its children are ours and die with the tracer thread, unless they are killed before.
  record Died(Stop last, List<Tid> children) implements Outcome {
    public Died {
      children = List.copyOf(children);
    }
  }
}
