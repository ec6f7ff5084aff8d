package stasis.engine;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.tracee.FrozenTree;
import stasis.tracee.Snapshot;

/// The copy-on-write images of a tree's memory, from their making to their end.
///
/// @param program leaders of the tree's groups, who may be the copies' parents
record Copies(List<Snapshot> all, Set<Tid> program) {
  static final Copies NONE = new Copies(List.of(), Set.of());

  Copies {
    all = List.copyOf(all);
    program = Set.copyOf(program);
  }

  static Copies of(Collection<Snapshot> all, FrozenTree tree) {
    return new Copies(List.copyOf(all), Set.copyOf(tree.leaders()));
  }

  /// Ends them all, also where one fails. To be called on the tracer thread.
  ///
  /// @return what is left of them in the program, and why
  List<String> end() throws SyscallException {
    List<String> left = new ArrayList<>();
    Optional<SyscallException> failure = Optional.empty();
    for (Snapshot copy : all) {
      try {
        copy.close(program).ifPresent(left::add);
      } catch (SyscallException e) {
        failure.ifPresent(e::addSuppressed);
        failure = Optional.of(e);
      }
    }
    if (failure.isPresent()) {
      throw failure.get();
    }
    return left;
  }
}
