package stasis.engine;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import stasis.image.ObjectId;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.PathBytes;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;
import stasis.procfs.FileStat;
import stasis.procfs.ProcException;
import stasis.procfs.ProcTask;
import stasis.resource.DescriptionAspect;
import stasis.resource.FileKind;
import stasis.resource.FilesState;
import stasis.resource.FilesState.Entry;
import stasis.resource.KindSet;
import stasis.resource.Loss;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;

/// Describes the open files of a tree, each description once. Holds the engine's copies of them until closed.
final class FileCollector implements AutoCloseable {
  private static final int PIDFD_THREAD = 0x80;

  private final KindSet kinds;
  private final TreeView tree;
  private final Findings findings;
  private final Sink sink;
  private final List<OwnCopy> copies = new ArrayList<>();
  private final List<FileView> described = new ArrayList<>();
  private final LastingChanges changes = new LastingChanges();
  private final Map<PathBytes, FileStat> facts = new HashMap<>();

  FileCollector(KindSet kinds, TreeView tree, Findings findings, Sink sink) {
    this.kinds = kinds;
    this.tree = tree;
    this.findings = findings;
    this.sink = sink;
  }

  /// Whether one of the tree has this open, as /proc/PID/fd names it.
  boolean hasOpen(String target) {
    return facts.containsKey(PathBytes.of(target));
  }

  /// @return the table of each group, by its object
  Map<ObjectId, FilesState> collect(List<GroupView> groups) throws ObstructedException {
    List<SharedFiles.Seat> seats = new ArrayList<>();
    Map<Tid, GroupView> byLeader = new HashMap<>();
    Set<ObjectId> seen = new HashSet<>();
    for (GroupView group : groups) {
      byLeader.put(group.leader().tid(), group);
      // Who shares a table has the same open.
      if (seen.add(group.files())) {
        seats.addAll(seats(group));
      }
    }
    seats.forEach(seat -> facts.put(seat.link().target(), seat.link().stat()));
    Map<SharedFiles.Seat, ObjectId> ids = new LinkedHashMap<>();
    Map<ObjectId, List<SharedFiles.Seat>> byFile = new LinkedHashMap<>();
    for (List<SharedFiles.Seat> description : SharedFiles.group(seats)) {
      ObjectId id = tree.nextId();
      description.forEach(seat -> ids.put(seat, id));
      byFile.put(id, description);
    }
    describe(byLeader, ids, byFile);
    Map<ObjectId, List<Entry>> tables = new TreeMap<>();
    groups.forEach(group -> tables.put(group.files(), new ArrayList<>()));
    for (SharedFiles.Seat seat : seats) {
      GroupPlan.require(tables, GroupPlan.require(byLeader, seat.task()).files())
          .add(new Entry(seat.fd(), seat.info().closeOnExec(), GroupPlan.require(ids, seat)));
    }
    Map<ObjectId, FilesState> states = new TreeMap<>();
    tables.forEach((id, entries) -> states.put(id, new FilesState(entries)));
    return states;
  }

  private void describe(Map<Tid, GroupView> byLeader, Map<SharedFiles.Seat, ObjectId> ids,
      Map<ObjectId, List<SharedFiles.Seat>> byFile) throws ObstructedException {
    Map<Tid, Long> pidfds = new HashMap<>();
    try {
      var neighbours = new Neighbours(tree.proc(), byLeader.keySet());
      var sockets = new Sockets(tree);
      var seating = new Seating(ids);
      List<FileView> views = new ArrayList<>();
      for (Map.Entry<ObjectId, List<SharedFiles.Seat>> file : byFile.entrySet()) {
        SharedFiles.Seat first = file.getValue().getFirst();
        if (!pidfds.containsKey(first.task())) {
          pidfds.put(first.task(), pidfd(first.task()));
        }
        views.add(new FileView(tree, file.getKey(), GroupPlan.require(byLeader, first.task()).leader(),
            file.getValue(), copy(GroupPlan.require(pidfds, first.task()), first), seating, neighbours, sockets,
            changes));
      }
      views.addAll(sockets.look(views, (seat, copy, near) -> {
        copies.add(copy);
        return new FileView(tree, tree.nextId(), near.task(), List.of(seat), Optional.of(copy), seating, neighbours,
            sockets, changes);
      }));
      views.forEach(neighbours::add);
      described.addAll(views);
      views.forEach(view -> findings.shared(view.id(), view.seats(), seat -> holder(byLeader, seat)));
      tree.opened(views);
      Map<FileView, Optional<FileKind<?>>> recognised = new LinkedHashMap<>();
      views.forEach(view -> recognised.put(view, kind(view)));
      recognised.forEach((view, kind) -> kind.ifPresent(k -> quiet(view, k)));
      changes.quiet().forEach(obstacle -> findings.refuse("file", obstacle));
      recognised.forEach(this::describe);
    } finally {
      pidfds.values().forEach(pidfd -> Syscalls.call(Nr.CLOSE, pidfd));
    }
  }

  private static String holder(Map<Tid, GroupView> byLeader, SharedFiles.Seat seat) {
    return Optional.ofNullable(byLeader.get(seat.task())).map(group -> group.subject() + " fd " + seat.fd())
        .orElse("a message in flight");
  }

  private static long pidfd(Tid leader) throws ObstructedException {
    try {
      long pidfd = Syscalls.call(Nr.PIDFD_OPEN, leader.value(), 0);
      // A thread that stands for a leader that has ended.
      return pidfd >= 0 ? pidfd
          : Syscalls.require("open a pidfd of task " + leader, Nr.PIDFD_OPEN, leader.value(), PIDFD_THREAD);
    } catch (SyscallException e) {
      throw new ObstructedException("task " + leader, e, "");
    }
  }

  private static List<SharedFiles.Seat> seats(GroupView group) throws ObstructedException {
    ProcTask proc = group.procOfLeader();
    var seats = new ArrayList<SharedFiles.Seat>();
    try {
      for (Fd fd : proc.fds()) {
        seats.add(new SharedFiles.Seat(group.leader().tid(), fd, proc.fdLink(fd), proc.fdInfo(fd)));
      }
    } catch (ProcException e) {
      throw TaskView.obstructed(group.leader().tid(), "open files", e);
    }
    return seats;
  }

  /// Empty for a file the kernel will not hand over; a kind that needs the copy then says so.
  private Optional<OwnCopy> copy(long pidfd, SharedFiles.Seat seat) {
    try {
      OwnCopy copy = OwnCopy.of((int) pidfd, seat.fd(), seat.link().target().toString());
      copies.add(copy);
      return Optional.of(copy);
    } catch (SyscallException e) {
      return Optional.empty();
    }
  }

  private Optional<FileKind<?>> kind(FileView file) {
    return kinds.files().stream().filter(kind -> kind.recognises(file)).findFirst();
  }

  private void quiet(FileView file, FileKind<?> kind) {
    findings.look(kind.schema().name(), () -> kind.quiet(file)).flatMap(quiet -> quiet).ifPresent(quiet ->
        file.copy().ifPresent(copy -> changes.add(copy, file.subject(), quiet)));
  }

  private void describe(FileView file, Optional<FileKind<?>> kind) {
    kind.ifPresentOrElse(k -> describe(k, file),
        () -> findings.refuse("file", new Obstacle.UnknownFile(file.task().tid(), file.fd(), file.link())));
  }

  private <S extends Record> void describe(FileKind<S> kind, FileView file) {
    findings.look(kind.schema().name(), () -> kind.checkpoint(file))
        .ifPresent(state -> {
          sink.put(file.id(), kind, state, Optional.empty(), file.subject());
          kinds.descriptionAspects().forEach(aspect -> describe(aspect, file));
          file.copy().ifPresent(copy -> changes.mutedBy(copy, kind.muting(state)));
        });
  }

  private <S extends Record> void describe(DescriptionAspect<S> aspect, FileView file) {
    findings.look(aspect.schema().name(), () -> aspect.checkpoint(file)).flatMap(state -> state).ifPresent(state ->
        sink.put(tree.nextId(), aspect, state, Optional.of(file.id()), file.subject()));
  }

  /// Every open file by its path, as it was in the freeze.
  Map<PathBytes, FileStat> facts() {
    return Map.copyOf(facts);
  }

  /// Tells of descriptions that a task outside the tree has open too; until closed.
  void tellLeaks(Outsiders outsiders, Set<Tid> tree) {
    List<FileView> own = described.stream().filter(file -> file.copy().isPresent()).toList();
    Map<FileView, String> holders = outsiders.holders(own, tree);
    for (FileView file : own) {
      Optional.ofNullable(holders.get(file)).ifPresent(holder -> findings.approximate("file", file.subject(),
          Loss.of("it is shared with " + holder + " outside the tree: what comes back is a new one, with a position and"
              + " flags of its own, and contents of its own where they have no name")));
    }
  }

  LastingChanges changes() {
    return changes;
  }

  @Override
  public void close() {
    changes.close();
    copies.forEach(OwnCopy::close);
    copies.clear();
  }

}
