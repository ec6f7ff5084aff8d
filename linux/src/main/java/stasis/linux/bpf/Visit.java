package stasis.linux.bpf;

import stasis.linux.abi.Tid;

/// Which tasks a task iterator visits (`bpf_iter_link_info.task`, Linux 6.1). Ids are of the reader's pid namespace.
sealed interface Visit {
  /// Every task of the reader's pid namespace.
  record All() implements Visit {
    @Override
    public String toString() {
      return "all tasks";
    }
  }

  /// Every thread of one group.
  record Group(Tid tgid) implements Visit {
    @Override
    public String toString() {
      return "the threads of " + tgid;
    }
  }

  /// One thread.
  record One(Tid tid) implements Visit {
    @Override
    public String toString() {
      return "thread " + tid;
    }
  }
}
