package stasis.resource;

/// When in a restore a step belongs, in this order within a task. Births, fills, placing of fds and the registers are
/// the planner's own.
public enum Stage {
  /// Right after birth, alone in the thread group: session, process group, what later steps are looked up in.
  BIRTH,
  /// It leads a session as of now, and no other member of it is born: the controlling terminal.
  SESSION,
  /// What the process was born with and does not keep is gone, and nothing of its own is mapped yet: the program file,
  /// which cannot be changed while it is mapped.
  MEMORY,
  /// The mm exists and is filled, no vma is read-only yet where it must not be.
  MEMORY_ATTRIBUTES,
  /// Every thread exists, every file is at its place; still all privileges of the restorer.
  ATTRIBUTES,
  /// Dispositions, then pending signals: after the last thing that could raise one.
  SIGNALS,
  /// Credentials and what must come just before or after them.
  CREDENTIALS,
  /// What would forbid all the rest: seccomp filters, MDWE, sealed vmas.
  LAST
}
