package stasis.engine;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.locks.LockSupport;
import java.util.Set;
import stasis.image.ObjectId;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Self;
import stasis.procfs.Proc;
import stasis.procfs.ProcException;
import stasis.resource.AioContext;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.BodyKey;
import stasis.resource.HiddenFaults;
import stasis.resource.HiddenMessage;
import stasis.resource.HiddenNotice;
import stasis.resource.HiddenQueues;
import stasis.resource.HiddenRing;
import stasis.resource.HiddenSocket;
import stasis.resource.HiddenTerminal;
import stasis.resource.HiddenWatch;
import stasis.resource.Mapping;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Question;
import stasis.resource.SeenQueue;

/// What all views of one frozen tree share: ids, /proc, and the bodies that files and mappings named on the way.
final class TreeView implements AutoCloseable {
  private static final long TIMERS_COME_NS = 2_000_000;

  private final Proc proc;
  private final HiddenSockets sockets;
  private final HiddenTerminals terminals;
  private final HiddenAio aio;
  private final HiddenRings rings;
  private final Ids ids = new Ids();
  private final Map<Integer, ObjectId> taskByPid = new HashMap<>();
  private final Map<Question, Answer> own = new HashMap<>();
  private final List<GroupView> groups = new ArrayList<>();
  private List<OpenFile> files = List.of();
  private OptionalInt rootPid = OptionalInt.empty();
  private final Map<BodyKey, Body> bodies = new LinkedHashMap<>();
  private final Map<ObjectId, Body> bodyById = new HashMap<>();

  private Optional<ForeignIpc> ipc = Optional.empty();
  private boolean ipcLooked;
  private boolean timersCame;

  /// A body and the ways that lead to it.
  ///
  /// @param copies the engine's own
  record Body(ObjectId id, BodyKey key, List<OpenFile> files, List<Mapping> mappings, List<GroupView> groups,
      List<OwnCopy> copies) {}

  TreeView(Proc proc, Stopped stopped) {
    this.proc = proc;
    this.terminals = stopped.terminals();
    this.sockets = stopped.sockets();
    this.aio = stopped.aio();
    this.rings = stopped.rings();
  }

  /// A timer that is due shows no time left before its interrupt has come, and is told from one that is disarmed only
  /// after it. Once is enough: whoever asks has been looked at before.
  void letTimersCome() {
    if (!timersCame) {
      timersCame = true;
      LockSupport.parkNanos(TIMERS_COME_NS);
    }
  }

  Optional<HiddenQueues> hiddenQueues(long inode, String subject) {
    return sockets.queues(inode, subject);
  }

  Optional<HiddenSocket> hiddenSocket(long inode) {
    return sockets.at(inode);
  }

  Optional<HiddenTerminal> hiddenTerminal(int number) {
    return terminals.at(number);
  }

  /// @param fd of the engine's copy @param holder a thread that has it
  Optional<HiddenFaults> faults(int fd, Tid holder) {
    return rings.faults(fd, holder);
  }

  /// @param fd of the engine's copy
  Optional<HiddenNotice> notice(int fd) {
    return rings.notice(fd);
  }

  /// @param fd of the engine's copy
  Optional<Integer> eventfdFlags(int fd) {
    return rings.eventfdFlags(fd);
  }

  /// @param fd of the engine's copy
  Optional<List<HiddenWatch>> watches(int fd) {
    Map<Tid, ObjectId> processes = new HashMap<>();
    groups.forEach(group -> processes.put(group.leader().tid(), group.leader().id()));
    return rings.watches(fd, List.copyOf(processes.keySet())).map(all -> all.stream().map(seen ->
        new HiddenWatch(GroupPlan.require(processes, seen.task()), new Fd(seen.fd()), seen.mask())).toList());
  }

  /// @param fd of the engine's copy
  Optional<List<HiddenMessage>> messages(int fd) {
    return rings.messages(fd);
  }

  /// @param fd of the engine's copy @param seat where the program has it
  Optional<HiddenRing> ring(int fd, SharedFiles.Seat seat) {
    Map<Integer, ObjectId> copies = new HashMap<>();
    for (OpenFile file : files) {
      if (file instanceof FileView view) {
        view.copy().ifPresent(own -> copies.put(own.fd(), file.id()));
      }
    }
    return rings.at(fd, seat, groups.stream().map(group -> group.leader().tid()).toList(), copies);
  }

  Optional<List<AioContext>> aio(Tid task) {
    return aio.of(task);
  }

  /// The engine's own namespace of a kind: `net:[4026531840]`.
  String engineNamespace(String kind) {
    try {
      return proc.task(Self.pid()).link("ns/" + kind).latin1();
    } catch (ProcException e) {
      throw new IllegalStateException("this kernel shows no namespace " + kind + " of the engine", e);
    }
  }

  /// What leads into the IPC namespace of the root, where that is not the engine's.
  private Optional<ForeignIpc> ipc() {
    if (!ipcLooked && !groups.isEmpty()) {
      ipcLooked = true;
      Tid root = groups.getFirst().leader().tid();
      try {
        if (!proc.task(root).link("ns/ipc").latin1().equals(engineNamespace("ipc"))) {
          ipc = Optional.of(new ForeignIpc(root));
        }
      } catch (ProcException e) {
        // Who may not look is told so by the kind that compares them.
        ipc = Optional.empty();
      }
    }
    return ipc;
  }

  /// A call of the engine's own, in the tree's IPC namespace where it is about that.
  Answer observe(Nr nr, List<Arg> args) {
    Optional<ForeignIpc> inside = ForeignIpc.CALLS.contains(nr) ? ipc() : Optional.empty();
    return inside.map(there -> there.call(nr, args)).orElseGet(() -> OwnCopy.call(nr, args, Optional.empty()));
  }

  Answer observeOwn(Question question) {
    return own.computeIfAbsent(question, asked -> OwnCopy.call(asked.nr(), asked.args(), Optional.empty()));
  }

  Optional<String> outsiderIn(String namespace) throws ObstructedException {
    Set<Tid> tree = new HashSet<>();
    groups.forEach(group -> tree.add(new Tid(group.pid())));
    try {
      for (Tid task : proc.tgids()) {
        if (!tree.contains(task) && isIn(task, namespace)) {
          return Optional.of("task " + task + " (" + proc.task(task).status().name() + ")");
        }
      }
      return Optional.empty();
    } catch (ProcException e) {
      throw new ObstructedException("/proc", e, "");
    }
  }

  /// Who ends meanwhile, or hides it, is in none.
  private boolean isIn(Tid task, String namespace) {
    try {
      return proc.task(task).link("ns/" + namespace.substring(0, namespace.indexOf(':'))).latin1().equals(namespace);
    } catch (ProcException e) {
      return false;
    }
  }

  Optional<List<SeenQueue>> messageQueues() {
    return ipc().flatMap(ForeignIpc::queues).map(all -> all.stream().map(queue -> {
      try (OwnCopy copy = OwnCopy.received(queue.fd())) {
        return new QueueLook(copy, rings).of(queue.name());
      }
    }).toList());
  }

  ObjectId segment(BodyKey key, int id, long sizeBytes, GroupView group) throws ObstructedException {
    Body body = body(key);
    body.groups().add(group);
    long fd = ipc().map(there -> there.segment(id, sizeBytes)).orElse((long) -Errno.EINVAL.number());
    if (Errno.isError(fd)) {
      throw new ObstructedException(group.subject(), "segment " + id + " of shared memory, which nobody has attached,"
          + " cannot be read: " + Errno.of(fd), "run the checkpoint as root");
    }
    body.copies().add(OwnCopy.received((int) fd));
    return body.id();
  }

  /// Takes down what was set up to look.
  @Override
  public void close() {
    ipc.ifPresent(ForeignIpc::close);
    bodies.values().forEach(body -> body.copies().forEach(OwnCopy::close));
  }

  Proc proc() {
    return proc;
  }

  ObjectId nextId() {
    return ids.next();
  }

  void addTask(int pid, ObjectId id) {
    taskByPid.put(pid, id);
    rootPid = rootPid.isPresent() ? rootPid : OptionalInt.of(pid);
  }

  void addGroup(GroupView group) {
    groups.add(group);
  }

  List<GroupView> groups() {
    return groups;
  }

  /// Every open file of the tree, once all are known.
  void opened(List<? extends OpenFile> all) {
    files = List.copyOf(all);
  }

  List<OpenFile> files() {
    return files;
  }

  /// Of the task that was added first.
  int rootPid() {
    return rootPid.orElseThrow();
  }

  Optional<ObjectId> task(int pid) {
    return Optional.ofNullable(taskByPid.get(pid));
  }

  /// The leader of the group that this thread leads, or stands for.
  Optional<ObjectId> process(int tid) {
    return groups.stream().filter(group -> group.leader().tid().value() == tid).findFirst()
        .map(group -> group.leader().id());
  }

  ObjectId body(BodyKey key, OpenFile file) {
    Body body = body(key);
    if (!body.files().contains(file)) {
      body.files().add(file);
    }
    return body.id();
  }

  ObjectId body(BodyKey key, Mapping mapping) {
    Body body = body(key);
    if (!body.mappings().contains(mapping)) {
      body.mappings().add(mapping);
    }
    return body.id();
  }

  /// One more vma of a backing that needs these bodies, or files; the kind was shown the first only.
  void alsoMapped(Collection<ObjectId> needs, Mapping mapping) {
    needs.stream().map(bodyById::get).filter(Objects::nonNull).forEach(body -> body.mappings().add(mapping));
  }

  ObjectId body(BodyKey key, GroupView group) {
    Body body = body(key);
    body.groups().add(group);
    return body.id();
  }

  /// In the order they were first named.
  List<Body> bodies() {
    return List.copyOf(bodies.values());
  }

  private Body body(BodyKey key) {
    return bodies.computeIfAbsent(key, k -> {
      var body = new Body(nextId(), k, new ArrayList<>(), new ArrayList<>(), new ArrayList<>(),
          new ArrayList<>());
      bodyById.put(body.id(), body);
      return body;
    });
  }
}
