package stasis.resource;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import stasis.image.ObjectId;
import stasis.linux.abi.Fd;

/// An open file description of one type: the userspace `file_operations` with `checkpoint()` and `restore()`.
public interface FileKind<S extends Record> extends Kind<S> {
  boolean recognises(OpenFile file);

  /// What keeps others from changing the file, as a packet does that comes in the freeze: from before the first file is
  /// described until the program runs on or has ended.
  default Optional<Quiet> quiet(OpenFile file) throws ObstructedException {
    return Optional.empty();
  }

  /// Describes without disturbing: no read, no seek, no flag change on the task's file.
  S checkpoint(OpenFile file) throws ObstructedException;

  /// Objects that must exist before `restore` (bodies, other files); the planner sorts by this and refuses cycles.
  default Set<ObjectId> needs(S state) {
    return Set.of();
  }

  /// Appends the steps that recreate the description in the script's task, at whatever fd the kernel gives; the planner
  /// places it. Runs before credentials are lowered. Close-on-exec is the fd's and not set here.
  Ref<Fd> restore(S state, Script script, Refs refs);

  /// What goes to the number `place` of the task, both in the script's task until all files are placed.
  ///
  /// @param made where what `restore` made is kept
  default Fd atPlace(S state, Fd place, Fd made, Refs refs) {
    return made;
  }

  /// Calls made just before the program is ended, to keep its end from others who hold on to this file: a peer that
  /// must not be told that its connection is closed. What undoes them is among those of [#quiet].
  default List<OwnCall> muting(S state) {
    return List.of();
  }

  /// Whether the description can be made only when all tasks are born. It is then made in the first process that has
  /// it, and handed to the others.
  default boolean isLate(S state) {
    return false;
  }

  /// A number at which some task must have a file, whichever, for `restore` to succeed: `/proc/PID/fdinfo/N` is there
  /// only while N is open. The planner lends one to late files.
  default Optional<Number> needsNumber(S state) {
    return Optional.empty();
  }

  /// @param pid of a task, as the program sees it
  record Number(int pid, Fd fd) {}

  /// Appends steps for when every file is at its place (epoll watches, descriptors in flight, the description's own
  /// locks), once for each description, in the first process that has it. Files are still kept where [Refs#kept]
  /// says.
  ///
  /// @param self where this description lies in the script's task
  default void connect(S state, Fd self, Script script, Refs refs) {}

  /// Whether [#connect] must come after that of all others: who waits for room must not take it.
  default boolean connectsLast(S state) {
    return false;
  }

  /// Calls of the engine itself when the tree runs again, once for all files that name the same.
  default List<OwnCall> afterwards(S state) {
    return List.of();
  }

  /// Appends steps for what belongs to a process and not to the description, in each process that has it open (locks of
  /// the process): the last thing done to its files.
  ///
  /// @param self where this description lies in the script's task
  default void connectOwn(S state, Fd self, Script script, Refs refs) {}
}
