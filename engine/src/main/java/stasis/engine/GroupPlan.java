package stasis.engine;

import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import stasis.image.ObjectId;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.resource.Arg;
import stasis.resource.BodyKind;
import stasis.resource.DescriptionAspect;
import stasis.resource.FileKind;
import stasis.resource.FilesState;
import stasis.resource.GroupAspect;
import stasis.resource.Host;
import stasis.resource.Kind;
import stasis.resource.KindSet;
import stasis.resource.MmState;
import stasis.resource.Program;
import stasis.resource.Ref;
import stasis.resource.Script;
import stasis.resource.Stage;
import stasis.resource.Step;
import stasis.resource.TaskAspect;
import stasis.resource.TaskState;
import stasis.resource.VmaState;

/// Writes the steps of one process, from just after its birth to just before its release. The planner calls its parts,
/// in between those of others.
final class GroupPlan {
  private static final long O_CLOEXEC = 0x80000;

  private final KindSet kinds;
  private final Capture capture;
  private final Program program;
  private final ObjectId leader;
  private final TaskState task;
  private final Script script;
  private final int imageFd;
  private final Made made;
  private final PlanRefs refs;
  private final Map<ObjectId, RemoteAddress> holes;
  private final Owned owned;
  private final MemoryPlan memory;
  private final Sharers sharers;

  /// @param holes where bodies that are mapped meanwhile lie
  GroupPlan(KindSet kinds, Capture capture, Owned owned, Program program, ObjectId leader, int imageFd,
      Map<ObjectId, RemoteAddress> holes, Made made, Host host, Sharers sharers) {
    this.sharers = sharers;
    this.kinds = kinds;
    this.capture = capture;
    this.owned = owned;
    this.program = program;
    this.leader = leader;
    this.imageFd = imageFd;
    this.holes = holes;
    this.made = made;
    this.task = require(capture.tasks(), leader);
    this.script = program.in(leader);
    this.refs = new PlanRefs(capture, leader, imageFd, holes, made, host,
        require(capture.mms(), task.mm()).base().isPresent());
    this.memory = new MemoryPlan(kinds, capture, program, leader, refs);
  }

  /// The mm, complete but for what would forbid the rest.
  ///
  /// @param inherited what the process was born with, if anything
  void memory(Optional<Inheritance> inherited) {
    memory.write(inherited, () -> groupAspects(Stage.MEMORY));
    groupAspects(Stage.MEMORY_ATTRIBUTES);
  }

  /// @param of which process it is born of, if need be by way of helpers; empty for the root
  void birth(Optional<ObjectId> of) {
    for (GroupAspect<?> aspect : kinds.groupAspects()) {
      if (aspect.stage() == Stage.BIRTH && !isBornWith(aspect, of)) {
        groupAspect(aspect);
      }
    }
  }

  private <S extends Record> boolean isBornWith(GroupAspect<S> aspect, Optional<ObjectId> of) {
    return stateOf(aspect, leader).filter(state -> aspect.isBornWith(state,
        of.flatMap(parent -> stateOf(aspect, parent)), refs.host())).isPresent();
  }

  /// It leads a session of its own now.
  void session() {
    groupAspects(Stage.SESSION);
  }

  Script script() {
    return script;
  }

  /// Every file and body of the tree: in the root alone, before anyone else is born.
  void makeFiles() {
    for (FilesState table : capture.files().values()) {
      table.entries().forEach(entry -> makeEarly(entry.file()));
    }
    for (MmState mm : capture.mms().values()) {
      for (VmaState vma : mm.vmas()) {
        Kinded.needs(require(capture.items(), vma.backing())).stream().sorted().forEach(this::make);
      }
    }
    for (Capture.Item<?> item : capture.items(i -> i.kind() instanceof GroupAspect<?>)) {
      Kinded.needs(item).stream().sorted().forEach(this::make);
    }
    carried().forEach(this::makeEarly);
  }

  private void makeEarly(ObjectId file) {
    if (!Kinded.isLate(require(capture.items(), file))) {
      make(file);
    }
  }

  /// Files that bodies carry.
  Set<ObjectId> carried() {
    var carried = new TreeSet<ObjectId>();
    for (Capture.Item<?> item : capture.items(i -> i.kind() instanceof BodyKind<?>)) {
      carried.addAll(Kinded.carries((BodyKind<?>) item.kind(), item));
    }
    return carried;
  }

  /// A file or body with what it needs, once, lifted above the fds of the tree.
  private void make(ObjectId id) {
    if (made.has(id)) {
      return;
    }
    made.begin(id);
    Capture.Item<?> item = require(capture.items(), id);
    Kinded.needs(item).stream().sorted().forEach(this::make);
    switch (item.kind()) {
      case FileKind<?> kind -> lift(restoreFile(kind, item), item);
      case BodyKind<?> kind -> {
        Ref<?> ref = restoreBody(kind, item);
        if (Kinded.isMapped(kind, item)) {
          made.mapped(id);
        } else {
          lift(ref, item);
          made(kind, item);
        }
      }
      default -> throw new IllegalStateException(id + " is a " + item.kind().schema().name() + ", no file or body");
    }
  }

  void lend(LentNumbers numbers) {
    numbers.lend(task.files(), imageFd, script);
  }

  void takeBack(LentNumbers numbers) {
    numbers.takeBack(task.files(), table(), script);
  }

  /// Files that could not be made before all tasks were born, or a copy of what another process made.
  void lateFiles(Map<ObjectId, ObjectId> makers) {
    for (FilesState.Entry entry : table().entries()) {
      Capture.Item<?> item = require(capture.items(), entry.file());
      if (!Kinded.isLate(item) || leader.equals(makers.get(entry.file()))) {
        continue;
      }
      ObjectId maker = makers.putIfAbsent(entry.file(), leader);
      if (maker == null) {
        make(entry.file());
      } else {
        takeFrom(maker, entry.file());
      }
    }
  }

  private void takeFrom(ObjectId maker, ObjectId file) {
    Ref<Fd> pidfd = script.call(Nr.PIDFD_OPEN, "who made " + file, Arg.imm(refs.pidOf(maker)), Arg.imm(0));
    Ref<Fd> copy = script.call(Nr.PIDFD_GETFD, "a copy of " + file, Arg.result(pidfd),
        Arg.imm(made.fd(file).value()), Arg.imm(0));
    script.callExpecting(made.fd(file).value(), Nr.DUP3, "keep " + file + " out of the way", Arg.result(copy),
        Arg.imm(made.fd(file).value()), Arg.imm(O_CLOEXEC));
    script.call(Nr.CLOSE, "low fd of " + file, Arg.result(copy));
    script.call(Nr.CLOSE, "who made it", Arg.result(pidfd));
  }

  private <S extends Record> Ref<Fd> restoreFile(FileKind<S> kind, Capture.Item<?> item) {
    return kind.restore(Kinded.stateOf(kind, item), script, refs);
  }

  private <S extends Record> void made(BodyKind<S> kind, Capture.Item<?> item) {
    kind.made(Kinded.stateOf(kind, item), item.id(), script, refs);
  }

  private <S extends Record> Ref<?> restoreBody(BodyKind<S> kind, Capture.Item<?> item) {
    return kind.restore(Kinded.stateOf(kind, item), item.id(), script, refs);
  }

  /// Moves a new file above the fds of the tree, to a number known now.
  private void lift(Ref<?> low, Capture.Item<?> item) {
    String name = item.kind().schema().name() + " " + item.id();
    int high = made.nextFd().value();
    Ref<Fd> ref = script.callExpecting(high, Nr.DUP3, "keep " + name + " out of the way",
        Arg.result(low), Arg.imm(high),
        Arg.imm(O_CLOEXEC));
    script.call(Nr.CLOSE, "low fd of " + name, Arg.result(low));
    made.at(item.id(), new Fd(high), ref);
  }

  /// Bodies whose files and mappings all exist, in the root; what lies mapped meanwhile goes in every process.
  void finishBodies() {
    carried().forEach(this::make);
    for (Capture.Item<?> item : capture.items(i -> i.kind() instanceof BodyKind<?> && made.has(i.id()))) {
      finish((BodyKind<?>) item.kind(), item);
    }
  }

  private <S extends Record> void finish(BodyKind<S> kind, Capture.Item<?> item) {
    kind.finish(Kinded.stateOf(kind, item), item.id(), script, refs);
  }

  void leaveHoles() {
    for (ObjectId body : made.mapped()) {
      Capture.Item<?> item = require(capture.items(), body);
      if (item.kind() instanceof BodyKind<?> kind) {
        script.call(Nr.MUNMAP, "body " + body + " stays where processes have it", Arg.address(require(holes, body)),
            Arg.imm(Kinded.holeBytes(kind, item)));
      }
    }
  }

  private void groupAspects(Stage stage) {
    for (GroupAspect<?> aspect : kinds.groupAspects()) {
      if (aspect.stage() == stage) {
        groupAspect(aspect);
      }
    }
  }

  private <S extends Record> void groupAspect(GroupAspect<S> aspect) {
    stateOf(aspect, leader).ifPresent(state -> aspect.restore(state, script, refs));
  }

  private void taskAspects(Stage stage, ObjectId thread) {
    for (TaskAspect<?> aspect : kinds.taskAspects()) {
      if (aspect.stage() == stage) {
        taskAspect(aspect, thread);
      }
    }
  }

  private <S extends Record> void taskAspect(TaskAspect<S> aspect, ObjectId thread) {
    stateOf(aspect, thread).ifPresent(state -> aspect.restore(state, program.in(thread), refs));
  }

  private <S extends Record> Optional<S> stateOf(Kind<S> kind, ObjectId owner) {
    return owned.by(owner, kind).map(item -> Kinded.stateOf(kind, item));
  }

  void threads() {
    for (ObjectId thread : owned.threads(leader)) {
      if (!thread.equals(leader)) {
        thread(program, thread, require(capture.tasks(), thread));
      }
    }
  }

  static void thread(Program program, ObjectId thread, TaskState state) {
    program.append(new Step.Spawn(thread, new Step.Birth.Thread(state.leader(), state.pids()),
        "birth of thread " + state.comm()));
  }

  /// Every file to its numbers.
  void places() {
    for (FilesState.Entry entry : table().entries()) {
      script.callExpecting(entry.fd().value(), Nr.DUP3, "place " + entry.file(), Arg.imm(source(entry).value()),
          Arg.imm(entry.fd().value()), Arg.imm(entry.closeOnExec() ? O_CLOEXEC : 0));
    }
  }

  /// @param last whether it is the turn of those that connect after all others
  /// @param connected descriptions that another process has connected; those connected here are added
  void connect(boolean last, Set<ObjectId> connected) {
    for (FilesState.Entry entry : table().entries()) {
      Capture.Item<?> item = require(capture.items(), entry.file());
      if (item.kind() instanceof FileKind<?> kind && connectsLast(kind, item) == last
          && connected.add(entry.file())) {
        connect(kind, item, entry.fd());
      }
    }
  }

  private static <S extends Record> boolean connectsLast(FileKind<S> kind, Capture.Item<?> item) {
    return kind.connectsLast(Kinded.stateOf(kind, item));
  }

  /// What any description may have, once each.
  ///
  /// @param described descriptions that another process has seen to; those seen to here are added
  void describeFiles(Set<ObjectId> described) {
    for (FilesState.Entry entry : table().entries()) {
      if (described.add(entry.file())) {
        kinds.descriptionAspects().forEach(aspect -> descriptionAspect(aspect, entry.file(), entry.fd()));
      }
    }
  }

  private <S extends Record> void descriptionAspect(DescriptionAspect<S> aspect, ObjectId file, Fd fd) {
    stateOf(aspect, file).ifPresent(state -> aspect.restore(state, fd, script, refs));
  }

  /// Files that are in flight and that nobody has open.
  void connectCarried(boolean last, Set<ObjectId> connected) {
    for (ObjectId file : carried()) {
      Capture.Item<?> item = require(capture.items(), file);
      if (item.kind() instanceof FileKind<?> kind && connectsLast(kind, item) == last && connected.add(file)) {
        connect(kind, item, made.fd(file));
      }
    }
  }

  /// The statefile and all lifted fds go.
  void closeKept() {
    script.call(Nr.CLOSE_RANGE, "fds of the restore itself", Arg.imm(imageFd), Arg.imm(0xffffffffL), Arg.imm(0));
  }

  void connectOwn() {
    for (FilesState.Entry entry : table().entries()) {
      Capture.Item<?> item = require(capture.items(), entry.file());
      if (item.kind() instanceof FileKind<?> kind && refs.places(entry.file()).getFirst().equals(entry.fd())) {
        connectOwn(kind, item, entry.fd());
      }
    }
  }

  /// All that is left before the release.
  void attributes() {
    for (Stage stage : Planner.lateStages()) {
      // What forbids changes of the memory waits for the last that makes any.
      if (stage == Stage.LAST && sharers.last(Part.MM, leader).equals(leader)) {
        memory.aspects(Stage.LAST);
      }
      groupAspects(stage);
      for (ObjectId thread : owned.threads(leader)) {
        taskAspects(stage, thread);
      }
    }
  }

  private Fd source(FilesState.Entry entry) {
    Capture.Item<?> item = require(capture.items(), entry.file());
    Fd kept = made.fd(entry.file());
    return item.kind() instanceof FileKind<?> kind ? atPlace(kind, item, entry.fd(), kept) : kept;
  }

  private <S extends Record> Fd atPlace(FileKind<S> kind, Capture.Item<?> item, Fd place, Fd kept) {
    return kind.atPlace(Kinded.stateOf(kind, item), place, kept, refs);
  }

  private <S extends Record> void connect(FileKind<S> kind, Capture.Item<?> item, Fd fd) {
    kind.connect(Kinded.stateOf(kind, item), fd, script, refs);
  }

  private <S extends Record> void connectOwn(FileKind<S> kind, Capture.Item<?> item, Fd fd) {
    kind.connectOwn(Kinded.stateOf(kind, item), fd, script, refs);
  }

  private FilesState table() {
    return require(capture.files(), task.files());
  }

  static <K, T> T require(Map<K, T> map, K id) {
    T value = map.get(id);
    if (value == null) {
      throw new IllegalStateException("the capture has no object " + id + " of the sort asked for");
    }
    return value;
  }
}
