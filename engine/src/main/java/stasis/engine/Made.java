package stasis.engine;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import stasis.image.ObjectId;
import stasis.linux.abi.Fd;
import stasis.resource.Ref;

/// Files and bodies the program under construction has made so far. They are made in the root, each at a number above
/// all fds of the tree, and every process born later has them at the same number.
final class Made {
  private final Map<ObjectId, Fd> fds = new HashMap<>();
  private final Map<ObjectId, Ref<Fd>> refs = new HashMap<>();
  private final Map<Note, Ref<?>> notes = new HashMap<>();
  private final Set<ObjectId> mapped = new HashSet<>();
  private final Set<ObjectId> begun = new HashSet<>();
  private final int firstFd;

  private record Note(ObjectId forWhom, String name) {}

  /// @param firstFd above which nothing is taken
  Made(int firstFd) {
    this.firstFd = firstFd;
  }

  boolean has(ObjectId id) {
    return fds.containsKey(id) || mapped.contains(id);
  }

  /// @throws IllegalStateException when `id` needs itself
  void begin(ObjectId id) {
    if (!begun.add(id)) {
      throw new IllegalStateException("object " + id + " needs itself");
    }
  }

  /// The number the next file is kept at.
  Fd nextFd() {
    return new Fd(firstFd + fds.size());
  }

  /// @param lifted the call that put it at `fd`
  void at(ObjectId id, Fd fd, Ref<Fd> lifted) {
    fds.put(id, fd);
    refs.put(id, lifted);
  }

  void mapped(ObjectId id) {
    mapped.add(id);
  }

  Set<ObjectId> mapped() {
    return Set.copyOf(mapped);
  }

  /// Where it is kept.
  Fd fd(ObjectId id) {
    Fd fd = fds.get(id);
    if (fd == null) {
      throw new IllegalStateException(id + " has no fd: it was not named in needs()");
    }
    return fd;
  }

  Ref<Fd> ref(ObjectId id) {
    fd(id);
    return GroupPlan.require(refs, id);
  }

  void note(ObjectId body, String name, Ref<?> step) {
    notes.put(new Note(body, name), step);
  }

  Optional<Ref<?>> noted(ObjectId body, String name) {
    return Optional.ofNullable(notes.get(new Note(body, name)));
  }
}
