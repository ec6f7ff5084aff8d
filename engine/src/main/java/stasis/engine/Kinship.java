package stasis.engine;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import stasis.image.ObjectId;
import stasis.resource.TaskState;

/// Which mm a process will be born with at a restore: the only one it can share pages with afterwards.
final class Kinship {
  private final Capture capture;
  private final Map<ObjectId, ObjectId> bases = new HashMap<>();

  Kinship(Capture capture) {
    this.capture = capture;
    if (capture.leaders().size() == 1) {
      return;
    }
    BirthOrder order = BirthOrder.of(capture, Set.of());
    for (Map.Entry<ObjectId, TaskState> leader : capture.leaders()) {
      order.clonedFrom(leader.getKey()).map(from -> GroupPlan.require(capture.tasks(), from).mm())
          // Who shares it with its parent has no other to be a copy of.
          .filter(parents -> !parents.equals(leader.getValue().mm()))
          .ifPresent(parents -> bases.put(leader.getValue().mm(), parents));
    }
  }

  Optional<ObjectId> base(ObjectId mm) {
    return Optional.ofNullable(bases.get(mm));
  }

  Inheritance inheritance(ObjectId mm, ObjectId base) {
    return Inheritance.of(GroupPlan.require(capture.mms(), base), GroupPlan.require(capture.mms(), mm),
        capture.items());
  }
}
