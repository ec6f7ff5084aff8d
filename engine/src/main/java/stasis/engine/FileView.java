package stasis.engine;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import stasis.image.ObjectId;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Self;
import stasis.procfs.FdInfo;
import stasis.procfs.FileStat;
import stasis.procfs.ProcException;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.BodyKey;
import stasis.resource.FrozenTask;
import stasis.resource.HiddenFaults;
import stasis.resource.HiddenMessage;
import stasis.resource.HiddenNotice;
import stasis.resource.HiddenQueues;
import stasis.resource.HiddenRing;
import stasis.resource.HiddenSocket;
import stasis.resource.HiddenTerminal;
import stasis.resource.HiddenWatch;
import stasis.resource.Lasting;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.OptionQuery;
import stasis.resource.OwnCall;
import stasis.resource.UnixSocket;

/// One description of a frozen tree, with the engine's own copy of it.
final class FileView implements OpenFile {
  private static final int KCMP_EPOLL_TFD = 7;
  private static final int STATFS_BYTES = 120;

  private final TreeView tree;
  private final ObjectId id;
  private final FrozenTask task;
  private final List<SharedFiles.Seat> seats;
  private final Optional<OwnCopy> copy;
  private final Seating seating;
  private final Neighbours neighbours;
  private final Sockets sockets;
  private final LastingChanges changes;

  /// @param copy empty when the kernel gives none: an O_PATH file is copied, a file of a task we may not attach to is
  ///     not
  /// @param seating every seat of the tree with its file, complete before kinds are asked
  FileView(TreeView tree, ObjectId id, FrozenTask task, List<SharedFiles.Seat> seats, Optional<OwnCopy> copy,
      Seating seating, Neighbours neighbours, Sockets sockets, LastingChanges changes) {
    this.tree = tree;
    this.id = id;
    this.task = task;
    this.seats = List.copyOf(seats);
    this.copy = copy;
    this.seating = seating;
    this.neighbours = neighbours;
    this.sockets = sockets;
    this.changes = changes;
  }

  @Override
  public ObjectId id() {
    return id;
  }

  @Override
  public FrozenTask task() {
    return task;
  }

  @Override
  public Fd fd() {
    return seats.getFirst().fd();
  }

  @Override
  public String subject() {
    return task.subject() + (isInFlight() ? " in flight" : " fd " + fd()) + " " + seats.getFirst().link().target();
  }

  private boolean isInFlight() {
    return !seats.getFirst().task().equals(task.tid());
  }

  @Override
  public String link() {
    return seats.getFirst().link().target().latin1();
  }

  @Override
  public FdInfo info() {
    return seats.getFirst().info();
  }

  @Override
  public FdInfo later() throws ObstructedException {
    tree.letTimersCome();
    try {
      return copy.isPresent() ? tree.proc().task(Self.pid()).fdInfo(new Fd(copy.get().fd()))
          : tree.proc().task(task.tid()).fdInfo(fd());
    } catch (ProcException e) {
      throw TaskView.obstructed(task.tid(), "fdinfo", e);
    }
  }

  @Override
  public FileStat facts() {
    return seats.getFirst().link().stat();
  }

  @Override
  public long filesystemMagic() {
    Answer answer = ask(Nr.FSTATFS, Arg.self(), Arg.space(STATFS_BYTES));
    return answer.failed() ? 0 : answer.output(1).u64(0);
  }

  @Override
  public Answer ask(Nr nr, Arg... args) {
    return copy.map(own -> own.ask(nr, List.of(args)))
        .orElseGet(() -> new Answer(-Errno.EPERM.number(), Map.of()));
  }

  @Override
  public Map<Integer, Bytes> options(List<OptionQuery> queries) {
    return copy.map(own -> OptionAnswers.of(own.fd(), queries)).orElse(Map.of());
  }

  @Override
  public Lasting changing(List<OwnCall> undo) throws ObstructedException {
    return changes.begin(copy.orElseThrow(() -> new ObstructedException(subject(), "the kernel gives no copy of it",
        "run with CAP_SYS_PTRACE")), subject(), undo);
  }

  @Override
  public ObjectId body(BodyKey key) {
    return tree.body(key, this);
  }

  @Override
  public Optional<ObjectId> fileAt(Fd fd) {
    // What is only in flight is made, and connected, in the root.
    return seating.at(isInFlight() ? new Tid(tree.rootPid()) : task.tid(), fd);
  }

  @Override
  public Optional<ObjectId> epollTarget(Fd targetFd, int nth) {
    Arg slot = Arg.data(Bytes.ofU32(fd().value(), targetFd.value(), nth));
    for (SharedFiles.Seat candidate : seating.likeliest(seats.getFirst().task(), targetFd)) {
      Answer answer = OwnCopy.call(Nr.KCMP, List.of(Arg.imm(candidate.task().value()),
          Arg.imm(seats.getFirst().task().value()),
          Arg.imm(KCMP_EPOLL_TFD), Arg.imm(candidate.fd().value()), slot), Optional.empty());
      if (answer.result() == 0) {
        return Optional.of(seating.file(candidate));
      }
    }
    return Optional.empty();
  }

  @Override
  public List<OpenFile> onSameInode() {
    return neighbours.onSameInode(this);
  }

  @Override
  public List<Holder> holders() {
    Map<ObjectId, Holder> holders = new LinkedHashMap<>();
    for (SharedFiles.Seat seat : seats) {
      // What is only in flight the engine has: locks of the description show there too.
      ObjectId process = tree.process(seat.task().value()).orElse(task.id());
      holders.putIfAbsent(process, new Holder(process, seat.info()));
    }
    return List.copyOf(holders.values());
  }

  @Override
  public boolean isHeldElsewhere() {
    return neighbours.isHeldElsewhere(link());
  }

  @Override
  public Optional<String> holderOutside(String link) {
    return neighbours.holder(link).map(neighbours::name);
  }

  @Override
  public Optional<UnixSocket> unixSocket() throws ObstructedException {
    return sockets.of(this);
  }

  @Override
  public Optional<HiddenSocket> hiddenSocket() {
    return tree.hiddenSocket(facts().inode());
  }

  @Override
  public Optional<HiddenTerminal> hiddenTerminal(int number) {
    return tree.hiddenTerminal(number);
  }

  @Override
  public Optional<HiddenQueues> hiddenQueues() {
    return tree.hiddenQueues(facts().inode(), subject());
  }

  @Override
  public Optional<HiddenRing> hiddenRing() {
    return copy().flatMap(own -> tree.ring(own.fd(), seat()));
  }

  @Override
  public Optional<HiddenFaults> hiddenFaults() {
    return copy().flatMap(own -> tree.faults(own.fd(), seat().task()));
  }

  @Override
  public Optional<HiddenNotice> hiddenNotice() {
    return copy().flatMap(own -> tree.notice(own.fd()));
  }

  @Override
  public Optional<Integer> hiddenEventfdFlags() {
    return copy().flatMap(own -> tree.eventfdFlags(own.fd()));
  }

  @Override
  public Optional<List<HiddenWatch>> hiddenWatches() {
    return copy().flatMap(own -> tree.watches(own.fd()));
  }

  @Override
  public Optional<List<HiddenMessage>> hiddenMessages() {
    return copy().flatMap(own -> tree.messages(own.fd()));
  }

  @Override
  public Optional<OpenFile> socket(long inode) {
    return sockets.at(inode);
  }

  @Override
  public List<OpenFile> tree() {
    return tree.files();
  }

  @Override
  public int rootPid() {
    return tree.rootPid();
  }

  @Override
  public boolean isSocketOfTree(long inode) {
    return neighbours.hasSocket(inode);
  }

  @Override
  public Optional<ObjectId> taskInTree(int pid) {
    return tree.task(pid);
  }

  /// Everywhere it is open.
  List<SharedFiles.Seat> seats() {
    return seats;
  }

  /// Where it is open first; for one only in flight, in the engine.
  SharedFiles.Seat seat() {
    return seats.getFirst();
  }

  /// The engine's own copy, for reading contents after the tree runs again.
  Optional<OwnCopy> copy() {
    return copy;
  }
}
