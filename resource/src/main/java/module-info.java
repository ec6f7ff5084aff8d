/// The contract every kernel resource kind fulfils, and the language restore plans are written in.
@org.jspecify.annotations.NullMarked
module stasis.resource {
  requires static transitive org.jspecify;
  requires transitive stasis.linux;
  requires transitive stasis.image;
  requires transitive stasis.procfs;

  exports stasis.resource;
}
