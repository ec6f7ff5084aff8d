package stasis.resource;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import stasis.image.ObjectId;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.procfs.FdInfo;
import stasis.procfs.FileStat;

/// An open file description, seen through one fd of one frozen task.
public interface OpenFile {
  /// Its object in the statefile.
  ObjectId id();

  /// A task whose table holds it, and the fd there. The first in task and fd order.
  FrozenTask task();

  Fd fd();

  /// `task 4711 (nginx) fd 5 /var/log/x`.
  String subject();

  /// Target of `/proc/PID/fd/N`, one char per byte, with the kernel's " (deleted)".
  String link();

  FdInfo info();

  /// The same, read anew after a moment in which timers that were due at the first look have come; 2 ms for the first
  /// that asks.
  default FdInfo later() throws ObstructedException {
    return info();
  }

  FileStat facts();

  /// f_type of statfs(2).
  long filesystemMagic();

  /// A syscall without lasting effect on the engine's own copy of this very description (pidfd_getfd(2)); [Arg.Self] is
  /// its fd. No read, no seek, no flag change: the description is the task's.
  Answer ask(Nr nr, Arg... args);

  /// Allows [#ask] calls with a lasting effect on the description, until closed. The task stands still meanwhile.
  ///
  /// @param undo in this order
  /// @throws ObstructedException when nobody can be found to undo it after the engine's end
  Lasting changing(List<OwnCall> undo) throws ObstructedException;

  /// The thing below this description that others may share; collected once, see [BodyKind].
  ObjectId body(BodyKey key);

  /// The file at `fd` in this task's table; empty when nothing is open there.
  Optional<ObjectId> fileAt(Fd fd);

  /// Another collected file that is the same description as the target registered with this epoll under `targetFd`
  /// (kcmp(2) KCMP_EPOLL_TFD); empty when no task of the tree has it open.
  Optional<ObjectId> epollTarget(Fd targetFd, int nth);

  /// Every description of the tree on the same device and inode, this one included: both ends of a pipe are.
  List<OpenFile> onSameInode();

  /// Every process of the tree that has it open, with what fdinfo shows there: locks of a process show only to itself.
  List<Holder> holders();

  /// @param process its leader
  record Holder(ObjectId process, FdInfo info) {}

  /// Answers of getsockopt(2), by index of the question: those that are not expected. None for what it does not have.
  default Map<Integer, Bytes> options(List<OptionQuery> queries) {
    Map<Integer, Bytes> found = new HashMap<>();
    for (int i = 0; i < queries.size(); i++) {
      OptionQuery query = queries.get(i);
      Answer answer = ask(Nr.GETSOCKOPT, Arg.self(), Arg.imm(query.level()), Arg.imm(query.name()),
          Arg.space(query.roomBytes()), Arg.data(Bytes.ofU32(query.roomBytes())));
      if (!answer.failed()) {
        Bytes value = answer.output(3).slice(0, Math.max(0, Math.min(query.roomBytes(), answer.output(4).u32(0))));
        if (!query.expected().contains(value)) {
          found.put(i, value);
        }
      }
    }
    return found;
  }

  /// Whether a description of the tree is the socket with this inode number.
  boolean isSocketOfTree(long inode);

  /// Whether a task outside the tree has an fd with the same link: `pipe:[4711]`. A task that may not be looked at has
  /// none.
  boolean isHeldElsewhere();

  /// Who outside the tree has an fd with this link: `task 812 (dbus-daemon)`.
  Optional<String> holderOutside(String link);

  /// What the kernel tells of this socket of family AF_UNIX; empty for one of another network namespace.
  ///
  /// @throws ObstructedException when it cannot be listed, or its queue not be read without disturbing
  Optional<UnixSocket> unixSocket() throws ObstructedException;

  /// What the kernel keeps of this internet socket and does not tell; empty where BPF is not allowed.
  Optional<HiddenSocket> hiddenSocket();

  /// What the kernel keeps of the pseudoterminal of this number, whose master is in the tree; empty where BPF is not
  /// allowed, and where it is not certain.
  default Optional<HiddenTerminal> hiddenTerminal(int number) {
    return Optional.empty();
  }

  /// What lies in the queues of this internet socket; empty where BPF does not show it.
  default Optional<HiddenQueues> hiddenQueues() {
    return Optional.empty();
  }
  /// What the kernel keeps of this io_uring and does not tell, after requests on their way were waited for; empty where
  /// BPF is not allowed.
  default Optional<HiddenRing> hiddenRing() {
    return Optional.empty();
  }

  /// What the kernel keeps of this userfaultfd and does not tell; empty where BPF is not allowed.
  default Optional<HiddenFaults> hiddenFaults() {
    return Optional.empty();
  }

  /// How this POSIX message queue tells of its next message, once it is known that it does; empty where BPF is not
  /// allowed.
  default Optional<HiddenNotice> hiddenNotice() {
    return Optional.empty();
  }

  /// What eventfd2(2) was given for this eventfd; empty where BPF is not allowed.
  default Optional<Integer> hiddenEventfdFlags() {
    return Optional.empty();
  }

  /// Who has asked for signals when something changes in this directory; empty where BPF is not allowed.
  default Optional<List<HiddenWatch>> hiddenWatches() {
    return Optional.empty();
  }

  /// What waits in this POSIX message queue, as it is received; empty where BPF is not allowed.
  default Optional<List<HiddenMessage>> hiddenMessages() {
    return Optional.empty();
  }

  /// The file of the tree that is the socket of this inode.
  Optional<OpenFile> socket(long inode);

  /// Every description of the tree, this one included.
  List<OpenFile> tree();

  /// The pid of the tree's first task, in which files are made, in the engine's pid namespace.
  int rootPid();

  /// The object of a task of the tree, by pid in the engine's pid namespace.
  Optional<ObjectId> taskInTree(int pid);
}
