package stasis.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.image.ObjectId;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.procfs.ProcAbsentException;
import stasis.procfs.ProcException;
import stasis.procfs.ProcTask;
import stasis.procfs.ProcUnreadableException;
import stasis.resource.AioContext;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.BodyKey;
import stasis.resource.Extent;
import stasis.resource.FrozenGroup;
import stasis.resource.FrozenTask;
import stasis.resource.HiddenMm;
import stasis.resource.ObstructedException;
import stasis.resource.Question;
import stasis.resource.SeenQueue;
import stasis.resource.OpenFile;

/// A stopped thread group.
final class GroupView implements FrozenGroup {
  private final TreeView tree;
  private final ObjectId mm;
  private final ObjectId files;
  private final List<TaskView> tasks = new ArrayList<>();
  private Optional<TaskView> ended = Optional.empty();
  private Optional<Boolean> trackedByUs = Optional.empty();

  private final Frozen frozen;

  GroupView(TreeView tree, ObjectId mm, ObjectId files, Frozen frozen) {
    this.tree = tree;
    this.mm = mm;
    this.files = files;
    this.frozen = frozen;
  }

  /// Leader first; called while the view is being built.
  void add(TaskView task) {
    tasks.add(task);
  }

  /// A leader that has ended, as one of its threads shows it.
  void ended(TaskView leader) {
    ended = Optional.of(leader);
  }

  boolean hasEndedLeader() {
    return ended.isPresent();
  }

  /// `/proc/PID` of the group.
  ProcTask procOfLeader() {
    return tree.proc().task(leader().tid());
  }

  Frozen frozen() {
    return frozen;
  }

  /// The object of its table of files.
  ObjectId files() {
    return files;
  }

  @Override
  public FrozenTask leader() {
    return ended.isPresent() ? ended.get() : tasks.getFirst();
  }

  @Override
  public int pid() {
    return frozen.leader().value();
  }

  @Override
  public List<FrozenTask> tasks() {
    return List.copyOf(tasks);
  }

  @Override
  public ObjectId mm() {
    return mm;
  }

  @Override
  public List<OpenFile> treeFiles() {
    return tree.files();
  }

  @Override
  public List<FrozenGroup> tree() {
    return List.copyOf(tree.groups());
  }

  @Override
  public ObjectId body(BodyKey key) {
    return tree.body(key, this);
  }

  Optional<Boolean> childSubreaper() {
    return frozen.childSubreaper();
  }

  Answer observe(Nr nr, List<Arg> args) {
    return tree.observe(nr, args);
  }

  Answer observeOwn(Question question) {
    return tree.observeOwn(question);
  }

  @Override
  public Optional<String> outsiderIn(String namespace) throws ObstructedException {
    return tree.outsiderIn(namespace);
  }

  @Override
  public Optional<List<SeenQueue>> messageQueues() {
    return tree.messageQueues();
  }

  @Override
  public ObjectId segment(BodyKey key, int id, long sizeBytes) throws ObstructedException {
    return tree.segment(key, id, sizeBytes, this);
  }

  @Override
  public Optional<HiddenMm> hiddenMm() {
    return frozen.hiddenMm();
  }

  @Override
  public Optional<List<AioContext>> aioContexts() {
    return tree.aio(leader().tid());
  }

  @Override
  public Optional<String> proc(String file) throws ObstructedException {
    try {
      return Optional.of(procOfLeader().text(file));
    } catch (ProcAbsentException | ProcUnreadableException e) {
      return Optional.empty();
    } catch (ProcException e) {
      throw TaskView.obstructed(leader().tid(), file, e);
    }
  }

  @Override
  public List<Extent> zeroPages(RemoteAddress start, long lengthBytes) throws ObstructedException {
    return pages(scan -> scan.zeros(start, lengthBytes));
  }

  @Override
  public List<Extent> writeProtectedPages(RemoteAddress start, long lengthBytes) throws ObstructedException {
    return pages(scan -> scan.writeProtected(start, lengthBytes));
  }

  @Override
  public boolean notesWrites(RemoteAddress start, long lengthBytes) throws ObstructedException {
    try (PageScan scan = new PageScan(leader().tid())) {
      return scan.isByTheKernel() ? scan.notesWrites(start)
          : scan.writeProtected(start, lengthBytes).isEmpty() && isTrackedByUs();
    } catch (SyscallException e) {
      throw new ObstructedException(subject(), e, "run with CAP_SYS_PTRACE");
    }
  }

  /// Where a registration alone does not tell whose it is.
  private boolean isTrackedByUs() throws SyscallException {
    if (trackedByUs.isEmpty()) {
      trackedByUs = Optional.of(TrackingHolder.registers(tree.proc(), leader().tid()));
    }
    return trackedByUs.get();
  }

  private interface Look {
    List<PageScan.Run> through(PageScan scan) throws SyscallException;
  }

  private List<Extent> pages(Look look) throws ObstructedException {
    try (PageScan scan = new PageScan(leader().tid())) {
      return look.through(scan).stream().map(run -> new Extent(run.start(), run.lengthBytes())).toList();
    } catch (SyscallException e) {
      throw new ObstructedException(subject(), e, "run with CAP_SYS_PTRACE");
    }
  }

  @Override
  public List<Bytes> sharedPending() throws ObstructedException {
    return frozen.sharedPending();
  }

  @Override
  public String engineNamespace(String kind) {
    return tree.engineNamespace(kind);
  }

  @Override
  public Optional<ObjectId> taskInTree(int pid) {
    return tree.task(pid);
  }
}
