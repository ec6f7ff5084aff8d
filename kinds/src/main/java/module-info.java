/// Every kernel resource kind, one package each. Only the registry is exported: nobody can name a kind from outside.
@org.jspecify.annotations.NullMarked
module stasis.kinds {
  requires static transitive org.jspecify;
  requires transitive stasis.resource;

  exports stasis.kinds;
}
