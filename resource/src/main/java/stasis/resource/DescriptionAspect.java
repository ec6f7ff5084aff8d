package stasis.resource;

import java.util.Optional;
import stasis.linux.abi.Fd;

/// An attribute that an open file description of any type may have: who is sent signals for it, a lease.
public interface DescriptionAspect<S extends Record> extends Kind<S> {
  /// @return empty when the description has none
  Optional<S> checkpoint(OpenFile file) throws ObstructedException;

  /// Appends steps for when all tasks are born, the file is at its place and connected, and nothing kept for the
  /// restore is left; once for each description, in the first process that has it.
  ///
  /// @param self where the description lies in the script's task
  void restore(S state, Fd self, Script script, Refs refs);
}
