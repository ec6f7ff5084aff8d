package stasis.resource;

import java.util.List;
import java.util.Optional;
import stasis.image.ObjectId;

/// A stopped thread group (what `ps` calls a process).
public interface FrozenGroup {
  /// The leader; its id is the group's.
  FrozenTask leader();

  /// All live threads, leader first, then by tid.
  List<FrozenTask> tasks();

  /// The memory descriptor object; tasks that share it share the id.
  ObjectId mm();

  /// The object of a task of the checkpointed tree by its pid in the engine's pid namespace; empty when it is outside.
  Optional<ObjectId> taskInTree(int pid);

  default String subject() {
    return leader().subject();
  }
}
