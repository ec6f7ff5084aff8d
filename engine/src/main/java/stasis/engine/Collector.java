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
import stasis.image.ObjectId;
import stasis.linux.abi.Tid;
import stasis.procfs.Proc;
import stasis.procfs.ProcException;
import stasis.procfs.ProcTask;
import stasis.resource.Answer;
import stasis.resource.Answers;
import stasis.resource.BodyKind;
import stasis.resource.CpuState;
import stasis.resource.FilesState;
import stasis.resource.GroupAspect;
import stasis.resource.Kind;
import stasis.resource.Host;
import stasis.resource.KindSet;
import stasis.resource.MmState;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.Question;
import stasis.resource.TaskAspect;
import stasis.resource.TaskState;

/// Describes a frozen thread group: asks every kind for its state, once per object, and disturbs nothing. Page contents
/// are not read here.
final class Collector {
  private static final int SIGCHLD = 17;

  private final KindSet kinds;
  private final Proc proc;
  private final Frozen frozen;
  private final Host host;
  private final Findings findings = new Findings();
  private final TreeView tree;
  private final Map<ObjectId, TaskState> tasks = new TreeMap<>();
  private final Map<ObjectId, CpuState> cpus = new TreeMap<>();
  private final Map<ObjectId, Capture.Item<?>> items = new TreeMap<>();

  /// @param host where the tree is expected to be restored: losses are judged against it
  Collector(KindSet kinds, Proc proc, Frozen frozen, Host host) {
    this.host = host;
    this.kinds = kinds;
    this.proc = proc;
    this.frozen = frozen;
    this.tree = new TreeView(proc);
  }

  /// @return the whole description, or every obstacle in its way; the loss table in both cases
  Collected collect() {
    try {
      return collectGroup();
    } catch (ObstructedException e) {
      findings.refuse("core.task", e.obstacle());
      return new Collected.Obstructed(findings.obstacles(), findings.table(items.values(), host));
    }
  }

  private Collected collectGroup() throws ObstructedException {
    ObjectId leaderId = tree.nextId();
    List<ObjectId> threadIds = new ArrayList<>(List.of(leaderId));
    for (int i = 1; i < frozen.threads().size(); i++) {
      threadIds.add(tree.nextId());
    }
    ObjectId mm = tree.nextId();
    ObjectId files = tree.nextId();
    GroupView group = group(threadIds, mm, files);
    FileCollector fileCollector = new FileCollector(kinds, tree, findings, this::put);
    MappingCollector mappingCollector = new MappingCollector(kinds, tree, findings, this::put, frozen);
    try {
      FilesState table = fileCollector.collect(group);
      MmState mmState = mappingCollector.collect(group);
      aspects(group);
      List<BodySource> sources = bodies();
      if (!findings.obstacles().isEmpty()) {
        fileCollector.close();
        return new Collected.Obstructed(findings.obstacles(), findings.table(items.values(), host));
      }
      Capture capture = new Capture(new TreeMap<>(tasks), new TreeMap<>(Map.of(mm, mmState)),
          new TreeMap<>(Map.of(files, table)), new TreeMap<>(items), new TreeMap<>(cpus));
      return new Collected.Complete(capture, findings, sources, mappingCollector.privateRanges(), fileCollector);
    } catch (ObstructedException | RuntimeException | Error e) {
      fileCollector.close();
      throw e;
    }
  }

  private GroupView group(List<ObjectId> ids, ObjectId mm, ObjectId files) throws ObstructedException {
    GroupView group = new GroupView(tree, mm, frozen);
    ProcTask leader = proc.task(frozen.leader());
    for (int i = 0; i < ids.size(); i++) {
      Tid tid = frozen.threads().get(i);
      TaskView task = new TaskView(ids.get(i), leader.thread(tid), group, frozen);
      group.add(task);
      tree.addTask(tid.value(), task.id());
      List<Integer> pids = task.status().nsPid().stream().map(Math::toIntExact).toList();
      // The parent is outside the tree of one group: the leader stands for itself.
      tasks.put(task.id(), new TaskState(pids, ids.getFirst(), ids.getFirst(), mm, files, task.stat().pgrp(),
          task.stat().session(), SIGCHLD, task.status().name()));
      cpus.put(task.id(), frozen.cpu(tid));
      cpus.get(task.id()).sleep().filter(sleep -> !sleep.exact()).ifPresent(sleep -> findings.approximate(
          "core.cpu", task.subject(), stasis.resource.Loss.of("the time left of its timed wait is an estimate of the"
              + " scheduler's clock, a few ms off")));
      if (RestartCalls.isForgotten(cpus.get(task.id()))) {
        findings.approximate("core.cpu", task.subject(), stasis.resource.Loss.of("its timed wait cannot be read without"
            + " BPF: it ends with EINTR, or waits its whole time again"));
      }
      findings.exact("core.task", task.subject());
    }
    return group;
  }

  private void aspects(GroupView group) throws ObstructedException {
    Map<Tid, Set<Question>> questions = new LinkedHashMap<>();
    for (var task : group.tasks()) {
      questions.put(task.tid(), new LinkedHashSet<>());
    }
    for (GroupAspect<?> aspect : kinds.groupAspects()) {
      GroupPlan.require(questions, group.leader().tid()).addAll(aspect.questions(group));
    }
    for (TaskAspect<?> aspect : kinds.taskAspects()) {
      for (var task : group.tasks()) {
        GroupPlan.require(questions, task.tid()).addAll(aspect.questions(task));
      }
    }
    Map<Tid, Answers> answers = new HashMap<>();
    for (var entry : questions.entrySet()) {
      answers.put(entry.getKey(), answers(entry.getKey(), List.copyOf(entry.getValue())));
    }
    for (GroupAspect<?> aspect : kinds.groupAspects()) {
      groupAspect(aspect, group, GroupPlan.require(answers, group.leader().tid()));
    }
    for (TaskAspect<?> aspect : kinds.taskAspects()) {
      for (var task : group.tasks()) {
        taskAspect(aspect, task, GroupPlan.require(answers, task.tid()));
      }
    }
  }

  private Answers answers(Tid tid, List<Question> asked) throws ObstructedException {
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
    Optional<S> state = findings.look(kind.schema().name(), () -> kind.checkpoint(view));
    state.ifPresent(s -> put(body.id(), kind, s, Optional.empty(), view.subject()));
    return state.flatMap(s -> switch (kind.contents(s)) {
      case NONE -> Optional.empty();
      case FILE -> Optional.of(BodySource.file(body, frozen.leader()));
      case MEMORY -> Optional.of(BodySource.memory(body, frozen.leader()));
    });
  }

  private <S extends Record> void put(ObjectId id, Kind<S> kind, S state, Optional<ObjectId> owner, String subject) {
    items.put(id, new Capture.Item<>(id, kind, state, owner));
    findings.described(id, subject);
  }

  static ObstructedException obstructed(Tid tid, String what, ProcException e) {
    return TaskView.obstructed(tid, what, e);
  }
}
