/// Linux as this project sees it: uapi constants and structs (`abi`), and the only downcalls we make (`sys`).
/// The only module launched with `--enable-native-access`.
@org.jspecify.annotations.NullMarked
module stasis.linux {
  requires static transitive org.jspecify;

  exports stasis.linux.abi;
  exports stasis.linux.socket to stasis.engine;
  exports stasis.linux.peer to stasis.cli;
  exports stasis.linux.probe;
  exports stasis.linux.bpf to stasis.tracee, stasis.engine, stasis.testkit;
  exports stasis.linux.sys to stasis.tracee, stasis.engine, stasis.testkit, stasis.repository;
}
