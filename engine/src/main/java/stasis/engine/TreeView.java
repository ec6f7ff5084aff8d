package stasis.engine;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import stasis.image.ObjectId;
import stasis.linux.abi.Tid;
import stasis.procfs.Proc;
import stasis.procfs.ProcException;
import stasis.resource.AioContext;
import stasis.resource.BodyKey;
import stasis.resource.HiddenFaults;
import stasis.resource.HiddenMessage;
import stasis.resource.HiddenNotice;
import stasis.resource.HiddenQueues;
import stasis.resource.HiddenRing;
import stasis.resource.HiddenSocket;
import stasis.resource.HiddenTerminal;
import stasis.resource.Mapping;
import stasis.resource.OpenFile;

/// What all views of one frozen tree share: ids, /proc, and the bodies that files and mappings named on the way.
final class TreeView {
  private final Proc proc;
  private final HiddenSockets sockets;
  private final HiddenTerminals terminals;
  private final HiddenAio aio;
  private final HiddenRings rings;
  private final Ids ids = new Ids();
  private final Map<Integer, ObjectId> taskByPid = new HashMap<>();
  private final List<GroupView> groups = new ArrayList<>();
  private List<OpenFile> files = List.of();
  private OptionalInt rootPid = OptionalInt.empty();
  private final Map<BodyKey, Body> bodies = new LinkedHashMap<>();
  private final Map<ObjectId, Body> bodyById = new HashMap<>();

  /// A body and the ways that lead to it.
  record Body(ObjectId id, BodyKey key, List<OpenFile> files, List<Mapping> mappings, List<GroupView> groups) {}

  TreeView(Proc proc, Stopped stopped) {
    this.proc = proc;
    this.terminals = stopped.terminals();
    this.sockets = stopped.sockets();
    this.aio = stopped.aio();
    this.rings = stopped.rings();
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
      return proc.task(new Tid(Math.toIntExact(ProcessHandle.current().pid()))).link("ns/" + kind).latin1();
    } catch (ProcException e) {
      throw new IllegalStateException("this kernel shows no namespace " + kind + " of the engine", e);
    }
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
      var body = new Body(nextId(), k, new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
      bodyById.put(body.id(), body);
      return body;
    });
  }
}
