/// Text of /proc to records. Pure functions of characters plus one injectable root directory; no native code.
@org.jspecify.annotations.NullMarked
module stasis.procfs {
  requires static transitive org.jspecify;
  requires transitive stasis.linux;

  exports stasis.procfs;
}
