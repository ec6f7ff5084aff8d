package stasis.cli;

import stasis.engine.Stead;
import stasis.linux.abi.Tid;

/// For whom a resident engine works.
interface Served {
  Stead stead();

  /// From now on the request cannot be done elsewhere any more.
  void begun();

  /// A program was restored that nobody waits for.
  ///
  /// @param child of this process
  void adopt(Tid child);
}
