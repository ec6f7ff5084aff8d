package stasis.resource;

import java.util.List;
import stasis.image.Schema;

/// One kernel resource kind: its state record, and both directions of it. Deliberately not sealed: the engine asks
/// kinds, it never switches on them. A kind knows no other kind, reads no clock, touches no task and keeps no state
/// outside its records.
public interface Kind<S extends Record> {
  /// The shape of this kind's state in a statefile. Its name is `family.kind`: `file.signalfd`.
  Schema<S> schema();

  /// Where the restored resource would differ from `state`. Empty means exact: what `explain` then prints.
  default List<Loss> losses(S state) {
    return List.of();
  }

  /// The same where a host is known: what is inherited from the restorer is lost only as far as the two differ there.
  default List<Loss> losses(S state, Host host) {
    return losses(state);
  }

  /// Why `state` cannot be restored on `host`: a missing file, a feature the kernel lacks. Pure; asked before a
  /// checkpoint counts and again before anything is restored.
  default List<Obstacle> obstacles(S state, Host host) {
    return List.of();
  }

  /// What a copy beside the living program can show of `state`. Everything, unless making it would take from the
  /// program or disturb it: a lock it holds, a name it is bound to.
  default Provable<S> provable(S state) {
    return new Provable.Whole<>();
  }

  /// The state of a copy with what may differ by nature put as it was: time that goes on, numbers the kernel gives out.
  /// Whatever then differs from `state` is wrong.
  default S agreed(S state, S copy) {
    return copy;
  }

  /// Files of the host without whose contents `state` is nothing.
  default List<HostFile> hostFiles(S state) {
    return List.of();
  }
}
