package stasis.resource;

import java.util.List;
import java.util.Optional;
import stasis.image.ObjectId;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.RemoteAddress;

/// A stopped thread group (what `ps` calls a process).
public interface FrozenGroup {
  /// The leader; its id is the group's. Where the leader has ended before its threads, it is shown as one of those.
  FrozenTask leader();

  /// What getpid(2) tells the engine of it.
  default int pid() {
    return leader().tid().value();
  }

  /// All live threads, leader first, then by tid; without a leader that has ended.
  List<FrozenTask> tasks();

  /// The memory descriptor object; tasks that share it share the id.
  ObjectId mm();

  /// The object of a task of the checkpointed tree by its pid in the engine's pid namespace; empty when it is outside.
  Optional<ObjectId> taskInTree(int pid);

  /// Every open file description of the tree.
  List<OpenFile> treeFiles();

  /// Every thread group of the tree, this one included.
  List<FrozenGroup> tree();

  /// A thing the group holds that others may share, such as the deleted file it runs.
  ObjectId body(BodyKey key);

  /// What no API tells of the mm; empty where the kernel's memory may not be read.
  Optional<HiddenMm> hiddenMm();

  /// Its mm's contexts for asynchronous I/O (io_setup(2)), after those in flight were waited for; empty where the
  /// kernel's memory may not be read.
  Optional<List<AioContext>> aioContexts();

  /// Text of `/proc/PID/<file>`, one char per byte; empty where this kernel has no such file, or answers EINVAL for
  /// want of anything to say.
  ///
  /// @throws ObstructedException when the task is gone or the file may not be read
  Optional<String> proc(String file) throws ObstructedException;

  /// Pages of private memory that hold the kernel's page of zeros (PAGE_IS_PFNZERO of PAGEMAP_SCAN).
  default List<Extent> zeroPages(RemoteAddress start, long lengthBytes) throws ObstructedException {
    return List.of();
  }

  /// Pages that a userfaultfd has write-protected, in memory registered for that.
  default List<Extent> writeProtectedPages(RemoteAddress start, long lengthBytes) throws ObstructedException {
    return List.of();
  }

  /// Whether a vma is registered with a userfaultfd that only has writes noted (UFFD_FEATURE_WP_ASYNC), or with one of
  /// our own by which memory is known again: nobody waits for anything then.
  default boolean notesWrites(RemoteAddress start, long lengthBytes) throws ObstructedException {
    return false;
  }

  /// Signals pending for the group as a whole, in queue order: 128 bytes of siginfo each (PTRACE_PEEKSIGINFO).
  List<Bytes> sharedPending() throws ObstructedException;

  /// The engine's own namespace of a kind, as links under `/proc/PID/ns` name it: `net:[4026531840]`.
  String engineNamespace(String kind);

  /// A task outside the tree that is in this namespace (`ipc:[4026532999]`): `task 812 (sh)`.
  default Optional<String> outsiderIn(String namespace) throws ObstructedException {
    return Optional.empty();
  }

  /// The POSIX message queues that have a name in the IPC namespace of the tree, where that is not the engine's; empty
  /// where they cannot be listed.
  default Optional<List<SeenQueue>> messageQueues() {
    return Optional.of(List.of());
  }

  /// A System V shared memory segment of that namespace that nobody has attached, as a body.
  default ObjectId segment(BodyKey key, int id, long sizeBytes) throws ObstructedException {
    return body(key);
  }

  default String subject() {
    return leader().subject();
  }
}
