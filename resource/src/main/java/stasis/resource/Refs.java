package stasis.resource;

import java.util.List;
import java.util.Optional;
import stasis.image.ObjectId;
import stasis.linux.abi.Fd;
import stasis.linux.abi.PathBytes;
import stasis.linux.abi.RemoteAddress;

/// What earlier steps made, by object.
public interface Refs {
  /// An fd in the script's task that leads to the body or file.
  ///
  /// @throws IllegalStateException when `object` was not named in `needs`
  Ref<Fd> fd(ObjectId object);

  /// Where the script's task has the file at its own numbers, in `connect` only.
  List<Fd> places(ObjectId file);

  /// Where the planner keeps the file in the script's task, until all files of the tree are connected.
  Fd kept(ObjectId file);

  /// A path that opens the body's inode anew, for another description of it: `/proc/self/fd/N`, where the planner keeps
  /// the body's fd until `finish`.
  PathBytes path(ObjectId body);

  /// Where a body with [BodyKind#holeBytes] lies until its `finish`, or while it
  /// is made: page-aligned, clear of every vma of the tree.
  RemoteAddress hole(ObjectId body);

  /// What the restorer has as its own standard input (0), output (1) or error (2), in the script's task until every
  /// file
  /// is at its place; `/dev/null` where the restorer has none.
  Fd stdio(int number);

  /// Remembers a step that made something for another object, which asks for it by its own id.
  void note(ObjectId forWhom, Ref<?> step);

  /// The step that was noted; empty when none was.
  Optional<Ref<?>> noted(ObjectId forWhom);

  /// Remembers one of several steps of `body`.
  void note(ObjectId body, String name, Ref<?> step);

  /// The step that was noted under this name.
  ///
  /// @throws IllegalStateException when none was
  Ref<?> noted(ObjectId body, String name);

  /// Whether the host had nothing at this path when the plan was made.
  boolean isFree(PathBytes path);

  /// The lowest number that neither the tree's files nor the planner's will take: for descriptors that a body keeps
  /// open.
  Fd spare();

  /// The host the program is written for.
  Host host();

  /// The pid the restored task sees another task of the tree under.
  int pidOf(ObjectId task);

  /// Whether the script's process is born with the memory and the program file of its parent, and keeps both.
  boolean hasItsProgram();
}
