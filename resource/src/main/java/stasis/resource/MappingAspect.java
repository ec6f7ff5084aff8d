package stasis.resource;

import java.util.List;
import java.util.Optional;

/// An attribute of single vmas beyond what maps and VmFlags say, or the replay of what they say: advice, locks, names,
/// memory policy, guard pages, seals.
public interface MappingAspect<S extends Record> extends Kind<S> {
  default List<Question> questions(Mapping mapping) {
    return List.of();
  }

  /// @return empty when [VmaState] already says all, or there is nothing to say
  Optional<S> checkpoint(Mapping mapping, Answers answers) throws ObstructedException;

  /// Appends steps for one vma that was mapped just now, before the next one is and before it is filled. Called for
  /// every vma in address order, with the state where there is one.
  default void mapped(Optional<S> state, VmaState vma, Script script) {}

  /// Appends steps for one mapped, filled vma. Called for every vma, with the state where there is one.
  void restore(Optional<S> state, VmaState vma, Script script);

  /// MEMORY_ATTRIBUTES or LAST.
  default Stage stage() {
    return Stage.MEMORY_ATTRIBUTES;
  }
}
