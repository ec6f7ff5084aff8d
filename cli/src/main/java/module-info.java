/// The command line: verbs parse, call the public API of `engine` and print.
@org.jspecify.annotations.NullMarked
module stasis.cli {
  requires static transitive org.jspecify;
  requires stasis.engine;
  requires stasis.kinds;
  requires stasis.repository;
  requires com.fasterxml.jackson.core;
  requires info.picocli;
  requires jdk.unsupported;

  opens stasis.cli to info.picocli;
}
