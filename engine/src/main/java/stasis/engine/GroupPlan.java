package stasis.engine;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import stasis.image.ObjectId;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.resource.Arg;
import stasis.resource.BodyKind;
import stasis.resource.FileKind;
import stasis.resource.FilesState;
import stasis.resource.GroupAspect;
import stasis.resource.Kind;
import stasis.resource.KindSet;
import stasis.resource.MappingAspect;
import stasis.resource.MappingKind;
import stasis.resource.MmState;
import stasis.resource.Program;
import stasis.resource.Ref;
import stasis.resource.Script;
import stasis.resource.Stage;
import stasis.resource.Step;
import stasis.resource.TaskAspect;
import stasis.resource.TaskState;
import stasis.resource.VmaState;

/// Writes the steps of one thread group, from just after its birth to just before its release.
final class GroupPlan {
  private static final long O_CLOEXEC = 0x80000;

  private final KindSet kinds;
  private final Capture capture;
  private final Program program;
  private final ObjectId leader;
  private final TaskState task;
  private final Script script;
  private final int imageFd;
  private final PlanRefs refs;
  private final Map<MappingAspect<?>, Map<Long, Capture.Item<?>>> attachments;
  private final Map<ObjectId, Map<Kind<?>, Capture.Item<?>>> owned = new HashMap<>();
  private int lifted;

  /// @param holes where bodies that are mapped meanwhile lie
  GroupPlan(KindSet kinds, Capture capture, Program program, ObjectId leader, int imageFd,
      Map<ObjectId, RemoteAddress> holes) {
    this.kinds = kinds;
    this.capture = capture;
    this.program = program;
    this.leader = leader;
    this.imageFd = imageFd;
    this.task = require(capture.tasks(), leader);
    this.script = program.in(leader);
    this.attachments = attachments();
    for (Capture.Item<?> item : capture.items().values()) {
      item.owner().ifPresent(
          owner -> owned.computeIfAbsent(owner, _ -> new IdentityHashMap<>()).put(item.kind(), item));
    }
    this.refs = new PlanRefs(capture, leader, imageFd, holes);
  }

  void write() {
    groupAspects(Stage.BIRTH);
    files();
    memory();
    threads();
    places();
    for (Stage stage : Planner.lateStages()) {
      if (stage == Stage.LAST) {
        mappingAspects(Stage.LAST);
      }
      groupAspects(stage);
      for (ObjectId thread : capture.threads(leader)) {
        taskAspects(stage, thread);
      }
    }
  }

  private void files() {
    for (FilesState.Entry entry : table().entries()) {
      make(entry.file());
    }
  }

  /// Makes a file or body with what it needs, once, and lifts it above the fds of the tree.
  private void make(ObjectId id) {
    if (refs.isMade(id)) {
      return;
    }
    refs.begin(id);
    Capture.Item<?> item = require(capture.items(), id);
    Kinded.needs(item).stream().sorted().forEach(this::make);
    switch (item.kind()) {
      case FileKind<?> kind -> lift(restoreFile(kind, item), item);
      case BodyKind<?> kind -> {
        Ref<?> ref = restoreBody(kind, item);
        if (Kinded.holeBytes(kind, item) > 0) {
          refs.mapped(id);
        } else {
          lift(ref, item);
          made(kind, item);
        }
      }
      default -> throw new IllegalStateException(id + " is a " + item.kind().schema().name() + ", no file or body");
    }
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
    lifted++;
    int high = imageFd + StubFiles.STDIO + lifted;
    Ref<Fd> ref = script.callExpecting(high, Nr.DUP3, "keep " + name + " out of the way",
        Arg.result(low), Arg.imm(high),
        Arg.imm(O_CLOEXEC));
    script.call(Nr.CLOSE, "low fd of " + name, Arg.result(low));
    refs.made(item.id(), new Fd(high), ref);
  }

  private void memory() {
    MmState mm = require(capture.mms(), task.mm());
    SequencedMap<ObjectId, Optional<Ref<Fd>>> backings = new java.util.LinkedHashMap<>();
    for (VmaState vma : mm.vmas()) {
      Capture.Item<?> item = require(capture.items(), vma.backing());
      if (!(item.kind() instanceof MappingKind<?> kind)) {
        throw new IllegalStateException("backing of " + vma.start() + " is a " + item.kind().schema().name());
      }
      Optional<Ref<Fd>> file = backings.get(item.id());
      if (file == null) {
        Kinded.needs(item).stream().sorted().forEach(this::make);
        file = open(kind, item);
        backings.put(item.id(), file);
      }
      map(kind, item, vma, file);
    }
    backings.values().forEach(file -> file.ifPresent(
        fd -> script.call(Nr.CLOSE, "mapped file", Arg.result(fd))));
    for (Capture.Item<?> item : capture.items(i -> i.kind() instanceof GroupAspect<?>
        && i.owner().equals(Optional.of(leader)))) {
      Kinded.needs(item).stream().sorted().forEach(this::make);
    }
    mappingAspects(Stage.MEMORY_ATTRIBUTES);
    groupAspects(Stage.MEMORY_ATTRIBUTES);
    for (Capture.Item<?> item : capture.items(i -> i.kind() instanceof BodyKind<?> && refs.isMade(i.id()))) {
      finish((BodyKind<?>) item.kind(), item);
    }
  }

  private <S extends Record> Optional<Ref<Fd>> open(MappingKind<S> kind, Capture.Item<?> item) {
    return kind.open(Kinded.stateOf(kind, item), script, refs);
  }

  private <S extends Record> void finish(BodyKind<S> kind, Capture.Item<?> item) {
    kind.finish(Kinded.stateOf(kind, item), item.id(), script, refs);
  }

  /// Maps a vma and fills it. A vma that was never writable for its task is written from outside, so that the kernel
  /// does not account it as if it had been (VM_ACCOUNT, mm/mprotect.c); MAP_NORESERVE memory never is.
  private <S extends Record> void map(MappingKind<S> kind, Capture.Item<?> item, VmaState vma,
      Optional<Ref<Fd>> file) {
    boolean filled = Kinded.pages(kind, item) == MappingKind.Pages.PRIVATE;
    boolean writable = (vma.prot() & VmaState.PROT_WRITE) != 0;
    boolean direct = writable || vma.has("ac") || vma.has("nr");
    int prot = filled && direct ? vma.prot() | VmaState.PROT_WRITE : vma.prot();
    kind.map(Kinded.stateOf(kind, item), vma, prot, file, script, refs);
    kinds.mappingAspects().forEach(aspect -> mapped(aspect, vma));
    if (filled) {
      program.append(new Step.Fill(leader, task.mm(), vma.start().bits(), vma.lengthBytes(), vma.start(), !direct,
          "contents"));
    }
    if (prot != vma.prot()) {
      script.call(Nr.MPROTECT, "final protection", Arg.address(vma.start()), Arg.imm(vma.lengthBytes()),
          Arg.imm(vma.prot()));
    }
  }

  private Map<MappingAspect<?>, Map<Long, Capture.Item<?>>> attachments() {
    Map<MappingAspect<?>, Map<Long, Capture.Item<?>>> found = new HashMap<>();
    for (MmState.Attachment attachment : require(capture.mms(), task.mm()).attachments()) {
      Capture.Item<?> item = require(capture.items(), attachment.aspect());
      if (item.kind() instanceof MappingAspect<?> aspect) {
        found.computeIfAbsent(aspect, _ -> new HashMap<>()).put(attachment.vma().bits(), item);
      }
    }
    return found;
  }

  private void mappingAspects(Stage stage) {
    for (MappingAspect<?> aspect : kinds.mappingAspects()) {
      if (aspect.stage() == stage) {
        for (VmaState vma : require(capture.mms(), task.mm()).vmas()) {
          restore(aspect, vma);
        }
      }
    }
  }

  private <S extends Record> Optional<S> attached(MappingAspect<S> aspect, VmaState vma) {
    return Optional.ofNullable(attachments.getOrDefault(aspect, Map.of()).get(vma.start().bits()))
        .map(item -> Kinded.stateOf(aspect, item));
  }

  private <S extends Record> void mapped(MappingAspect<S> aspect, VmaState vma) {
    aspect.mapped(attached(aspect, vma), vma, script);
  }

  private <S extends Record> void restore(MappingAspect<S> aspect, VmaState vma) {
    aspect.restore(attached(aspect, vma), vma, script);
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
    return Optional.ofNullable(owned.getOrDefault(owner, Map.of()).get(kind)).map(item -> Kinded.stateOf(kind, item));
  }

  private void threads() {
    for (ObjectId thread : capture.threads(leader)) {
      if (!thread.equals(leader)) {
        TaskState state = require(capture.tasks(), thread);
        program.append(new Step.Spawn(thread, new Step.Birth.Thread(leader, state.pids()),
            "birth of thread " + state.comm()));
      }
    }
  }

  /// Every file to its numbers, then the statefile and all lifted fds closed.
  private void places() {
    var placed = new ArrayList<FilesState.Entry>(table().entries());
    for (FilesState.Entry entry : placed) {
      script.callExpecting(entry.fd().value(), Nr.DUP3, "place " + entry.file(), Arg.imm(source(entry).value()),
          Arg.imm(entry.fd().value()), Arg.imm(entry.closeOnExec() ? O_CLOEXEC : 0));
    }
    script.call(Nr.CLOSE_RANGE, "fds of the restore itself", Arg.imm(imageFd), Arg.imm(0xffffffffL), Arg.imm(0));
    for (FilesState.Entry entry : placed) {
      Capture.Item<?> item = require(capture.items(), entry.file());
      if (item.kind() instanceof FileKind<?> kind && refs.places(entry.file()).getFirst().equals(entry.fd())) {
        connect(kind, item, entry.fd());
      }
    }
  }

  private Fd source(FilesState.Entry entry) {
    Capture.Item<?> item = require(capture.items(), entry.file());
    Fd made = refs.lifted(entry.file());
    return item.kind() instanceof FileKind<?> kind ? atPlace(kind, item, entry.fd(), made) : made;
  }

  private <S extends Record> Fd atPlace(FileKind<S> kind, Capture.Item<?> item, Fd place, Fd made) {
    return kind.atPlace(Kinded.stateOf(kind, item), place, made, refs);
  }

  private <S extends Record> void connect(FileKind<S> kind, Capture.Item<?> item, Fd fd) {
    kind.connect(Kinded.stateOf(kind, item), fd, script, refs);
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
