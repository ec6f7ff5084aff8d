/// One stopped task and what may be done to it: ptrace on the tracer thread, remote memory, remote syscalls, the stub.
@org.jspecify.annotations.NullMarked
module stasis.tracee {
  requires static transitive org.jspecify;
  requires transitive stasis.linux;

  exports stasis.tracee;
  exports stasis.tracee.stub;
}
