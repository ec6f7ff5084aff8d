/// Checkpoint and restore as phases. Asks kinds through `stasis.resource`; cannot name one.
@org.jspecify.annotations.NullMarked
module stasis.engine {
  requires static transitive org.jspecify;
  requires transitive stasis.resource;
  requires stasis.tracee;
  requires transitive stasis.repository;
  requires stasis.procfs;
  requires jdk.jfr;

  exports stasis.engine;
}
