package stasis.engine;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import stasis.image.ObjectId;
import stasis.linux.abi.Tid;
import stasis.procfs.Proc;
import stasis.procfs.ProcException;
import stasis.resource.Answer;
import stasis.resource.Answers;
import stasis.resource.BodyKind;
import stasis.resource.CpuState;
import stasis.resource.FilesState;
import stasis.resource.GroupAspect;
import stasis.resource.Kind;
import stasis.resource.Host;
import stasis.resource.KindSet;
import stasis.resource.Loss;
import stasis.resource.MmState;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.Question;
import stasis.resource.Stage;
import stasis.resource.TaskAspect;
import stasis.resource.TaskState;
import stasis.resource.ZombieState;

/// Describes a frozen tree: asks every kind for its state, once per object, and disturbs nothing. Page contents are not
/// read here.
final class Collector {
  private final KindSet kinds;
  private final Proc proc;
  private final Stopped stopped;
  private final Host host;
  private final Phases phases;
  private final Findings findings = new Findings();
  private final TreeView tree;
  private final Map<ObjectId, TaskState> tasks = new TreeMap<>();
  private final Map<ObjectId, CpuState> cpus = new TreeMap<>();
  private final Map<ObjectId, ZombieState> zombies = new TreeMap<>();
  private final Map<ObjectId, Capture.Item<?>> items = new TreeMap<>();

  /// @param host where the tree is expected to be restored: losses are judged against it
  Collector(KindSet kinds, Proc proc, Stopped stopped, Host host, Phases phases) {
    this.phases = phases;
    this.host = host;
    this.kinds = kinds;
    this.proc = proc;
    this.stopped = stopped;
    this.tree = new TreeView(proc, stopped);
  }

  /// @return the whole description, or every obstacle in its way; the loss table in both cases
  Collected collect() {
    try {
      return collectTree();
    } catch (ObstructedException e) {
      findings.refuse("core.task", e.obstacle());
      return new Collected.Obstructed(findings.obstacles(), findings.table(items.values(), host));
    } finally {
      tree.close();
    }
  }

  private Collected collectTree() throws ObstructedException {
    List<GroupView> groups = new TaskCollector(proc, tree, findings, tasks, cpus, zombies).collect(stopped);
    FileCollector fileCollector = new FileCollector(kinds, tree, findings, this::put);
    MappingCollector mappingCollector = new MappingCollector(kinds, tree, findings, this::put);
    try {
      Map<ObjectId, FilesState> files = files(fileCollector, groups);
      Map<ObjectId, MmState> mms = new TreeMap<>();
      Sharers sharers = Sharers.of(tasks.entrySet().stream()
          .filter(task -> task.getValue().leader().equals(task.getKey())).toList());
      for (GroupView group : groups) {
        try (Phases.Stretch _ = phases.part("task " + group.leader().tid())) {
          if (!mms.containsKey(group.mm())) {
            mms.put(group.mm(), mappingCollector.collect(group));
          }
          aspects(group, kinds.groupAspects().stream()
              .filter(aspect -> sharers.describes(group.leader().id(), aspect)).toList());
        }
      }
      List<BodySource> sources = tellOutsiders(groups, bodies());
      Capture capture = new Capture(new TreeMap<>(tasks), new TreeMap<>(mms), new TreeMap<>(files),
          new TreeMap<>(items), new TreeMap<>(cpus), new TreeMap<>(zombies));
      Planner.unborn(capture, BirthOrder.of(capture, Set.of())).forEach(
          obstacle -> findings.refuse("core.task", obstacle));
      if (!findings.obstacles().isEmpty()) {
        fileCollector.close();
        sources.forEach(BodySource::close);
        return new Collected.Obstructed(findings.obstacles(), findings.table(items.values(), host));
      }
      return new Collected.Complete(capture, findings, sources, mappingCollector.privatePages(), fileCollector);
    } catch (ObstructedException | RuntimeException | Error e) {
      fileCollector.close();
      throw e;
    }
  }

  private Map<ObjectId, FilesState> files(FileCollector collector, List<GroupView> groups)
      throws ObstructedException {
    try (Phases.Stretch _ = phases.part("files")) {
      return collector.collect(groups);
    }
  }

  private void aspects(GroupView group, List<? extends GroupAspect<?>> ofGroup) throws ObstructedException {
    Map<Tid, Set<Question>> questions = new LinkedHashMap<>();
    for (var task : group.tasks()) {
      questions.put(task.tid(), new LinkedHashSet<>());
    }
    for (GroupAspect<?> aspect : ofGroup) {
      GroupPlan.require(questions, group.leader().tid()).addAll(aspect.questions(group));
    }
    for (TaskAspect<?> aspect : kinds.taskAspects()) {
      for (var task : group.tasks()) {
        GroupPlan.require(questions, task.tid()).addAll(aspect.questions(task));
      }
    }
    Map<Tid, Answers> answers = new HashMap<>();
    for (var entry : questions.entrySet()) {
      answers.put(entry.getKey(), answers(group.frozen(), entry.getKey(), List.copyOf(entry.getValue())));
    }
    for (GroupAspect<?> aspect : ofGroup) {
      groupAspect(aspect, group, GroupPlan.require(answers, group.leader().tid()));
    }
    for (TaskAspect<?> aspect : kinds.taskAspects()) {
      for (var task : group.tasks()) {
        taskAspect(aspect, task, GroupPlan.require(answers, task.tid()));
      }
      // Of a leader that has ended, the credentials still count: they are told to who waits.
      if (group.hasEndedLeader() && aspect.stage() == Stage.CREDENTIALS) {
        taskAspect(aspect, group.leader(), GroupPlan.require(answers, group.leader().tid()));
      }
    }
  }

  private static Answers answers(Frozen frozen, Tid tid, List<Question> asked) throws ObstructedException {
    List<Answer> said = asked.isEmpty() ? List.of() : frozen.ask(tid, asked);
    var byQuestion = new HashMap<Question, Answer>();
    for (int i = 0; i < asked.size(); i++) {
      byQuestion.put(asked.get(i), said.get(i));
    }
    return new Answers(byQuestion);
  }

  private <S extends Record> void groupAspect(GroupAspect<S> aspect, GroupView group, Answers answers) {
    findings.look(aspect.schema().name(), () -> aspect.checkpoint(group, answers)).flatMap(s -> s)
        .ifPresent(state -> put(tree.nextId(), aspect, state, Optional.of(group.leader().id()), group.subject()));
  }

  private <S extends Record> void taskAspect(TaskAspect<S> aspect, stasis.resource.FrozenTask task, Answers answers) {
    findings.look(aspect.schema().name(), () -> aspect.checkpoint(task, answers)).flatMap(s -> s)
        .ifPresent(state -> put(tree.nextId(), aspect, state, Optional.of(task.id()), task.subject()));
  }

  /// Bodies last: every file and mapping has named what it lies on by now. A body may name no further body.
  private List<BodySource> bodies() {
    var sources = new ArrayList<BodySource>();
    var done = new HashSet<ObjectId>();
    for (TreeView.Body body : tree.bodies()) {
      if (done.add(body.id())) {
        body(body).ifPresent(sources::add);
      }
    }
    return sources;
  }

  /// What the tree and a task outside write to each other in common memory stays in the tree's half.
  ///
  /// @return the sources, of which it is known who is outside
  private List<BodySource> tellOutsiders(List<GroupView> groups, List<BodySource> sources) {
    Set<ObjectId> stored = new HashSet<>();
    sources.forEach(source -> stored.add(source.body()));
    Set<Tid> leaders = new HashSet<>();
    groups.forEach(group -> leaders.add(group.leader().tid()));
    Set<ObjectId> outside = new HashSet<>();
    OutsideMemory.holders(proc, leaders, tree.bodies().stream().filter(body -> stored.contains(body.id())).toList())
        .forEach((body, holder) -> {
          outside.add(body.id());
          findings.approximate(body.key().kind(), new BodyViews(body).subject(), Loss.of("it is shared with "
              + name(holder) + " outside the tree: when it comes back, it is a copy of its own"));
        });
    return sources.stream().map(source -> outside.contains(source.body()) ? source.sharedOutside() : source).toList();
  }

  private String name(Tid task) {
    try {
      return "task " + task + " (" + proc.task(task).status().name() + ")";
    } catch (ProcException e) {
      return "task " + task;
    }
  }

  private Optional<BodySource> body(TreeView.Body body) {
    BodyViews view = new BodyViews(body);
    for (BodyKind<?> kind : kinds.bodies()) {
      if (kind.schema().name().equals(body.key().kind())) {
        return body(kind, view, body);
      }
    }
    findings.refuse(body.key().kind(), new Obstacle.Unsupported(view.subject(), "no kind describes it", ""));
    return Optional.empty();
  }

  private <S extends Record> Optional<BodySource> body(BodyKind<S> kind, BodyViews view, TreeView.Body body) {
    var holders = new LinkedHashSet<String>();
    body.files().forEach(file -> holders.add(file.subject()));
    body.mappings().forEach(mapping -> holders.add(mapping.group().subject() + ", mapped"));
    body.groups().stream().filter(_ -> body.copies().isEmpty())
        .forEach(group -> holders.add(group.subject() + ", which runs it"));
    findings.shared(body.id(), holders, Function.identity());
    Optional<S> state = findings.look(kind.schema().name(), () -> kind.checkpoint(view));
    state.ifPresent(s -> put(body.id(), kind, s, Optional.empty(), view.subject()));
    return state.flatMap(s -> switch (kind.contents(s)) {
      case NONE -> Optional.empty();
      case FILE, MEMORY -> Optional.of(BodySource.of(body));
    });
  }

  private <S extends Record> void put(ObjectId id, Kind<S> kind, S state, Optional<ObjectId> owner, String subject) {
    items.put(id, new Capture.Item<>(id, kind, state, owner));
    findings.described(id, subject);
  }
}
