package stasis.kinds.fake;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import stasis.image.ObjectId;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.RemoteAddress;
import stasis.resource.AioContext;
import stasis.resource.BodyKey;
import stasis.resource.FrozenGroup;
import stasis.resource.OpenFile;
import stasis.resource.FrozenTask;
import stasis.resource.HiddenMm;
import stasis.resource.SeenQueue;

/// A frozen thread group made of text: the leader 4711 with object 1, threads after it.
public final class FakeGroup implements FrozenGroup {
  private static final int LEADER = 4711;

  private final List<FakeTask> tasks = new ArrayList<>();
  private final Map<String, String> files = new HashMap<>();
  private final List<OpenFile> treeFiles = new ArrayList<>();
  private final List<Bytes> pending = new ArrayList<>();

  private Optional<List<AioContext>> aio = Optional.empty();
  private boolean notesWrites;
  private final List<SeenQueue> queues = new ArrayList<>();
  private Optional<String> outsider = Optional.empty();
  private final List<FrozenGroup> tree = new ArrayList<>();

  public FakeGroup() {
    tasks.add(new FakeTask(this, 1, LEADER));
  }

  /// One more thread.
  public FakeTask thread() {
    FakeTask task = new FakeTask(this, tasks.size() + 1, LEADER + tasks.size());
    tasks.add(task);
    return task;
  }

  public FakeGroup notingWrites() {
    notesWrites = true;
    return this;
  }

  @Override
  public boolean notesWrites(RemoteAddress start, long lengthBytes) {
    return notesWrites;
  }

  public FakeGroup opened(OpenFile file) {
    treeFiles.add(file);
    return this;
  }

  public FakeGroup file(String name, String text) {
    files.put(name, text);
    return this;
  }

  public FakeGroup pending(Bytes siginfo) {
    pending.add(siginfo);
    return this;
  }

  @Override
  public FakeTask leader() {
    return tasks.getFirst();
  }

  @Override
  public List<FrozenTask> tasks() {
    return List.copyOf(tasks);
  }

  @Override
  public ObjectId mm() {
    return new ObjectId(1000);
  }

  @Override
  public Optional<ObjectId> taskInTree(int pid) {
    return tasks.stream().filter(task -> task.tid().value() == pid).map(FakeTask::id).findFirst();
  }

  @Override
  public List<OpenFile> treeFiles() {
    return treeFiles;
  }

  /// Makes the other one's processes part of this one's tree.
  public FakeGroup with(FakeGroup other) {
    tree.add(other);
    return this;
  }

  @Override
  public List<FrozenGroup> tree() {
    var all = new ArrayList<FrozenGroup>(tree);
    all.add(this);
    return all;
  }

  @Override
  public ObjectId body(BodyKey key) {
    return new ObjectId(2000);
  }

  /// One in the IPC namespace of the tree.
  public FakeGroup queue(SeenQueue queue) {
    queues.add(queue);
    return this;
  }

  @Override
  public Optional<List<SeenQueue>> messageQueues() {
    return Optional.of(List.copyOf(queues));
  }

  /// A task outside that is in every namespace of the tree.
  public FakeGroup beside(String task) {
    outsider = Optional.of(task);
    return this;
  }

  @Override
  public Optional<String> outsiderIn(String namespace) {
    return outsider;
  }

  @Override
  public Optional<HiddenMm> hiddenMm() {
    return Optional.empty();
  }

  /// Its contexts for asynchronous I/O become known.
  public FakeGroup aio(AioContext... contexts) {
    aio = Optional.of(List.of(contexts));
    return this;
  }

  @Override
  public Optional<List<AioContext>> aioContexts() {
    return aio;
  }

  @Override
  public Optional<String> proc(String file) {
    return Optional.ofNullable(files.get(file));
  }

  @Override
  public List<Bytes> sharedPending() {
    return List.copyOf(pending);
  }

  @Override
  public String engineNamespace(String kind) {
    return kind + ":[4026531840]";
  }
}
