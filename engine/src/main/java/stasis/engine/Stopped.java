package stasis.engine;

import java.util.List;
import java.util.Optional;
import stasis.linux.abi.Tid;

/// A stopped tree as the collector needs it.
///
/// @param groups parents before their children, the root first @param sockets what is hidden of its sockets
/// @param terminals the same of its pseudoterminals @param aio its contexts for asynchronous I/O
/// @param rings what is hidden of its io_urings
record Stopped(List<Group> groups, List<Zombie> zombies, HiddenSockets sockets,
    HiddenTerminals terminals, HiddenAio aio, HiddenRings rings) {
  /// @param parent the leader of the parent's group; empty for the root
  record Group(Frozen frozen, Optional<Tid> parent) {}

  /// @param parent the leader of the parent's group
  record Zombie(Tid tid, Tid parent) {}

  Stopped {
    groups = List.copyOf(groups);
    zombies = List.copyOf(zombies);
  }
}
