/// What tests of other modules stand on: fakes of the frozen views, goldens, kind contracts, recordings.
@org.jspecify.annotations.NullMarked
module stasis.testkit {
  requires static transitive org.jspecify;
  requires transitive stasis.resource;
  requires transitive stasis.tracee;
  requires transitive stasis.repository;

}
