/// A seized, stopped task: registers, memory, errands that cannot hurt it, and the stubs a restore is built from.
/// Called by `engine` alone, on the one tracer thread: ptrace(2) answers ESRCH to any other.
package stasis.tracee;
