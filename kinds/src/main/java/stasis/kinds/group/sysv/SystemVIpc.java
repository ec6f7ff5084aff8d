package stasis.kinds.group.sysv;

import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.ipc.IpcSpace;
import stasis.linux.abi.Bytes;
import stasis.resource.Answers;
import stasis.resource.BodyKey;
import stasis.resource.FrozenGroup;
import stasis.resource.GroupAspect;
import stasis.resource.Host;
import stasis.resource.Loss;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;

/// System V semaphore sets and message queues (sysvipc(7)) that a process of the tree was the last to use, or owes
/// something at its end. They are the host's: where they are still there at the restore they stay as they are; where
/// they are gone (removed, or the host was booted since) they are made again, under their ids and keys. In an IPC
/// namespace of the tree's own all are, with the segments of shared memory that nobody has attached. Described and
/// restored by the root, before anyone else is born.
public final class SystemVIpc implements GroupAspect<SystemVIpc.State> {
  /// @param key 0 (IPC_PRIVATE) for one without @param mode permission bits
  record Identity(@Tag(1) int id, @Tag(2) int key, @Tag(3) int mode, @Tag(4) int uid, @Tag(5) int gid,
      @Tag(6) int creatorUid, @Tag(7) int creatorGid) {
    Identity {
      if (id < 0 || (mode & ~PERMISSIONS) != 0) {
        throw new IllegalArgumentException("no object of System V IPC has id " + id + " and mode " + mode);
      }
    }
  }

  /// @param values as they are when every process of the tree has ended
  record Semaphores(@Tag(1) Identity identity, @Tag(2) List<Integer> values) {
    Semaphores {
      values = List.copyOf(values);
      if (values.isEmpty() || values.stream().anyMatch(value -> value < 0 || value > MAX_VALUE)) {
        throw new IllegalArgumentException("no semaphores have the values " + values);
      }
    }
  }

  /// @param type above 0
  record Message(@Tag(1) long type, @Tag(2) Bytes text) {
    Message {
      if (type <= 0) {
        throw new IllegalArgumentException("no message is of type " + type);
      }
    }
  }

  /// @param maxBytes msg_qbytes
  record Queue(@Tag(1) Identity identity, @Tag(2) long maxBytes, @Tag(3) List<Message> messages) {
    Queue {
      messages = List.copyOf(messages);
    }
  }

  /// A segment of shared memory that nobody has attached: the host's, and not in the image.
  record Detached(@Tag(1) int id, @Tag(2) int key, @Tag(3) long sizeBytes) {}

  /// @param apart in an IPC namespace that comes back empty @param kept segments that nobody has attached and that would
  ///     end with it: in the image
  record State(@Tag(1) List<Semaphores> sets, @Tag(2) List<Queue> queues, @Tag(3) List<Detached> segments,
      @Tag(4) boolean apart, @Tag(5) List<ObjectId> kept) {
    State {
      kept = List.copyOf(kept);
      segments = List.copyOf(segments);
      sets = List.copyOf(sets);
      queues = List.copyOf(queues);
    }
  }

  static final int PERMISSIONS = 0777;
  /// SEMVMX (uapi/linux/sem.h).
  static final int MAX_VALUE = 32767;
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "group.sysv", 3);

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public Optional<State> checkpoint(FrozenGroup group, Answers answers) throws ObstructedException {
    if (!group.tree().getFirst().leader().id().equals(group.leader().id())) {
      return Optional.empty();
    }
    boolean apart = IpcSpace.isApart(group);
    var looked = new IpcLook(group, apart);
    List<Detached> segments = looked.segments();
    var kept = new ArrayList<ObjectId>();
    if (apart) {
      for (Detached segment : segments) {
        kept.add(group.segment(new BodyKey("body.sysvshm", 0, segment.id()), segment.id(), segment.sizeBytes()));
      }
    }
    var state = new State(looked.sets(), looked.queues(), apart ? List.of() : segments, apart, kept);
    return state.sets().isEmpty() && state.queues().isEmpty() && segments.isEmpty() ? Optional.empty()
        : Optional.of(state);
  }

  @Override
  public Set<ObjectId> needs(State state) {
    return Set.copyOf(state.kept());
  }

  @Override
  public List<Loss> losses(State state, Host host) {
    var losses = new ArrayList<Loss>();
    for (Detached segment : state.segments()) {
      boolean there = host.shmSegments().stream().anyMatch(found -> found.id() == segment.id()
          && found.key() == segment.key() && found.sizeBytes() == segment.sizeBytes());
      losses.add(Loss.of("segment " + segment.id() + " of shared memory (" + segment.sizeBytes() + " bytes), which it made"
          + " or used last and nobody has attached, " + (there ? "stays the host's, as it is" : "is gone")
          + ": its content is not in the image"));
    }
    for (IpcTable table : IpcTable.of(state, host)) {
      if (!table.isThere()) {
        losses.add(Loss.of(table.subject() + " is gone and is made again: when it was last used, and by which process,"
            + " begins anew"));
      }
    }
    return losses;
  }

  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    var obstacles = new ArrayList<Obstacle>();
    for (IpcTable table : IpcTable.of(state, host)) {
      table.obstacle(host).ifPresent(obstacles::add);
    }
    return obstacles;
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    var making = new IpcMaking(script);
    List<IpcTable> tables = IpcTable.of(state, refs.host());
    for (int i = 0; i < tables.size(); i++) {
      if (tables.get(i).isThere()) {
        continue;
      }
      if (i < state.sets().size()) {
        making.make(state.sets().get(i));
      } else {
        making.make(state.queues().get(i - state.sets().size()));
      }
    }
  }

  @Override
  public Stage stage() {
    return Stage.BIRTH;
  }
}
