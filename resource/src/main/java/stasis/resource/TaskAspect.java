package stasis.resource;

import java.util.List;
import java.util.Optional;

/// A facet of one thread: always there, so there is nothing to recognise.
public interface TaskAspect<S extends Record> extends Kind<S> {
  default List<Question> questions(FrozenTask task) {
    return List.of();
  }

  /// @return empty when the task has nothing of this facet
  Optional<S> checkpoint(FrozenTask task, Answers answers) throws ObstructedException;

  /// Appends the steps that give the script's freshly born thread this facet. What it inherits from our stub must be
  /// overwritten: set everything, trust no default.
  void restore(S state, Script script, Refs refs);

  Stage stage();
}
