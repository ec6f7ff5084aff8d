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

  /// A thing the group holds that others may share, such as the deleted file it runs.
  ObjectId body(BodyKey key);

  /// What no API tells of the mm; empty where the kernel's memory may not be read.
  Optional<HiddenMm> hiddenMm();

  default String subject() {
    return leader().subject();
  }
}
