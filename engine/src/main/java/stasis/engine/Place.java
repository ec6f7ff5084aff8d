package stasis.engine;

/// Among which pids a tree is restored.
public enum Place {
  /// Those of the host; by who may not choose there, those of a new namespace; by who can make none, those of the host
  /// again, as far as they can be obtained.
  ANY,
  /// Those of the host in any case.
  HERE,
  /// Those of a new pid namespace, where all are free.
  OWN_NAMESPACE
}
