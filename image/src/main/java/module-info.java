/// The statefile: tagged records, object ids, references. Knows no kernel object and does no I/O but streams.
@org.jspecify.annotations.NullMarked
module stasis.image {
  requires static transitive org.jspecify;
  requires transitive stasis.linux;
  requires com.google.protobuf;

  exports stasis.image;
}
