package stasis.resource;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import stasis.image.ObjectId;
import stasis.linux.abi.PathBytes;

/// A facet of a thread group or of what its threads share (mm, signal handlers, fs).
public interface GroupAspect<S extends Record> extends Kind<S> {
  default List<Question> questions(FrozenGroup group) {
    return List.of();
  }

  /// @return empty when the group has nothing of this facet
  Optional<S> checkpoint(FrozenGroup group, Answers answers) throws ObstructedException;

  /// Bodies the steps refer to.
  default Set<ObjectId> needs(S state) {
    return Set.of();
  }

  /// Whether a process is born with it, so that no step of [Stage#BIRTH] is needed.
  ///
  /// @param parents what it is born of; empty for the root, which is born of the restorer
  default boolean isBornWith(S state, Optional<S> parents, Host host) {
    return false;
  }

  /// The program file, for a process that has to execute it because it cannot be given one ([Host#setsProgram]).
  default Optional<PathBytes> program(S state) {
    return Optional.empty();
  }

  /// Appends steps that run in the leader.
  void restore(S state, Script script, Refs refs);

  Stage stage();

  /// What it is a facet of. Processes that share that (clone(2)) have the facet once: described in and restored by one
  /// of them.
  default Of of() {
    return Of.GROUP;
  }

  /// What a process has, or shares with others.
  enum Of {
    /// The thread group alone.
    GROUP,
    /// The memory (CLONE_VM).
    MM,
    /// Working directory, root and umask (CLONE_FS).
    FS,
    /// The actions of signals (CLONE_SIGHAND).
    HANDLERS
  }
}
