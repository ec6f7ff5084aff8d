/// A seized, stopped task: registers, memory, errands that cannot hurt it, and the stubs a restore is built from.
/// Called by `engine` alone, on the one tracer thread: ptrace(2) answers ESRCH to any other.
/// Invariant: from the first change of a live task's registers on, its undo stands complete in the task itself, so that
/// the tracer may die at any moment and the task still gets back to where it was.
package stasis.tracee;
