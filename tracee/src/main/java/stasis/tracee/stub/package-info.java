/// Tasks made of our own code: the stub a restore is built from, the runner that executes many syscalls in one stop,
/// births with a chosen pid, and the keeper that undoes what would outlive the engine.
/// Called by `engine` alone; all but [Keeper] on the tracer thread. The machine code is listed, with its descriptor
/// format, in docs/restore-program.md. Invariant: until released, no such task outlives the engine.
package stasis.tracee.stub;
