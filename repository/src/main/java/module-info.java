/// Storage of statefiles as bytes: sections, page chunks, digests, atomic commit. Knows neither records nor tasks.
@org.jspecify.annotations.NullMarked
module stasis.repository {
  requires static transitive org.jspecify;
  requires transitive stasis.linux;
  requires com.github.luben.zstd_jni;

  exports stasis.repository;
}
