/// What tests of other modules stand on: fakes of the frozen views, goldens, kind contracts, recordings, and the
/// launcher of the programs that live tests checkpoint.
@org.jspecify.annotations.NullMarked
module stasis.testkit {
  requires static transitive org.jspecify;
  requires transitive stasis.resource;
  requires transitive stasis.tracee;
  requires transitive stasis.repository;

  exports stasis.testkit;
}
