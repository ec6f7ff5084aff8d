package stasis.engine;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.bpf.HiddenGroup;
import stasis.linux.bpf.HiddenTask;
import stasis.linux.bpf.RestartBlock;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.HiddenMm;
import stasis.resource.HiddenThread;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.Question;
import stasis.tracee.CallResult;
import stasis.tracee.ErrandRefusedException;
import stasis.tracee.Deadline;
import stasis.tracee.Errand;
import stasis.tracee.FrozenGroup;
import stasis.tracee.LiveTask;
import stasis.tracee.RemoteArg;
import stasis.tracee.RemoteCall;

/// Answers what it can from the kernel's own fields; has the rest answered by the task itself, in one parachuted batch.
final class ErrandAnswerer implements Answerer {
  /// include/linux/mm.h
  private static final long VM_LOCKED = 0x2000;
  private static final long VM_LOCKONFAULT = 0x80000;
  private static final Duration BOUND = Duration.ofSeconds(10);

  private final FrozenGroup group;
  private final Optional<HiddenGroup> hiddenGroup;
  private final Optional<HiddenAnswers> hiddenAnswers;
  private final Map<Tid, Long> asleepSinceNs;

  /// @param asleepSinceNs read before the interrupt, which wakes every sleeper
  /// @param hiddenGroup empty where BPF is not allowed; read while the group was frozen
  /// @param bits what the kernel's fields mean
  ErrandAnswerer(FrozenGroup group, Optional<HiddenGroup> hiddenGroup, LearntBits bits, Map<Tid, Long> asleepSinceNs) {
    this.group = group;
    this.hiddenGroup = hiddenGroup;
    this.hiddenAnswers = hiddenGroup.map(seen -> new HiddenAnswers(seen, bits));
    this.asleepSinceNs = Map.copyOf(asleepSinceNs);
  }

  @Override
  public List<Answer> ask(Tid thread, List<Question> questions) throws ObstructedException {
    List<Answer> all = known(thread, questions);
    if (all.size() == questions.size()) {
      return all;
    }
    var answers = new HashMap<Question, Answer>();
    for (Question question : questions) {
      hiddenAnswers.flatMap(known -> known.to(thread, question)).ifPresent(answer -> answers.put(question, answer));
    }
    List<Question> open = questions.stream().filter(question -> !answers.containsKey(question)).distinct().toList();
    List<Answer> said = open.isEmpty() ? List.of() : errand(thread, open);
    for (int i = 0; i < open.size(); i++) {
      answers.put(open.get(i), said.get(i));
    }
    return questions.stream().map(question -> GroupPlan.require(answers, question)).toList();
  }

  /// Up to the first that only the task can answer, which is none of most.
  private List<Answer> known(Tid thread, List<Question> questions) {
    var answers = new ArrayList<Answer>(questions.size());
    for (Question question : questions) {
      Optional<Answer> answer = hiddenAnswers.flatMap(known -> known.to(thread, question));
      if (answer.isEmpty()) {
        return answers;
      }
      answers.add(answer.get());
    }
    return answers;
  }

  private List<Answer> errand(Tid thread, List<Question> questions) throws ObstructedException {
    List<RemoteCall> calls = questions.stream().map(ErrandAnswerer::call).toList();
    LiveTask task = group.tasks().stream().filter(t -> t.tid().equals(thread)).findFirst()
        .orElseThrow(() -> new ObstructedException(new Obstacle.TaskGone(thread)));
    try (Errand errand = group.errand(task, Deadline.after(BOUND))) {
      List<CallResult> results = errand.run(calls);
      var answers = new ArrayList<Answer>();
      for (int i = 0; i < results.size(); i++) {
        answers.add(answer(thread, questions.get(i), results.get(i)));
      }
      return answers;
    } catch (ErrandRefusedException e) {
      throw new ObstructedException("task " + thread, e, "run as root, where nothing need be injected");
    } catch (SyscallException e) {
      throw new ObstructedException("task " + thread, e, "");
    }
  }

  private static RemoteCall call(Question question) {
    return RemoteCall.of(question.nr(), question.args().stream().map(ErrandAnswerer::argument)
        .toArray(RemoteArg[]::new));
  }

  private static RemoteArg argument(Arg arg) {
    return switch (arg) {
      case Arg.Imm(long value) -> new RemoteArg.Imm(value);
      case Arg.Data(Bytes value) -> new RemoteArg.InOut(value);
      case Arg.Space(int lengthBytes) -> new RemoteArg.Out(lengthBytes);
      case Arg.Result _, Arg.Output _, Arg.Struct _, Arg.Self _ ->
          throw new IllegalArgumentException("no argument of a question: " + arg);
    };
  }

  private static Answer answer(Tid thread, Question question, CallResult result) throws ObstructedException {
    return switch (result) {
      case CallResult.Failed(Errno errno) -> new Answer(-errno.number(), Map.of());
      case CallResult.Returned(long value, List<Bytes> outputs) -> new Answer(value, outputs(question, outputs));
      case CallResult.Died _ -> throw new ObstructedException(new Obstacle.TaskGone(thread));
    };
  }

  private static Map<Integer, Bytes> outputs(Question question, List<Bytes> outputs) {
    var byArgument = new HashMap<Integer, Bytes>();
    for (int i = 0; i < question.args().size(); i++) {
      if (!(question.args().get(i) instanceof Arg.Imm)) {
        byArgument.put(i, outputs.get(byArgument.size()));
      }
    }
    return byArgument;
  }

  @Override
  public Optional<HiddenMm> hiddenMm() {
    return hiddenGroup.flatMap(HiddenGroup::shared).map(HiddenGroup.Shared::mm).map(mm -> new HiddenMm(
        (mm.defFlags() & VM_LOCKED) == 0 ? 0 : (mm.defFlags() & VM_LOCKONFAULT) == 0 ? HiddenMm.MCL_FUTURE
            : HiddenMm.MCL_FUTURE | HiddenMm.MCL_ONFAULT, mm.hasLdt(), mm.pkeyMap().orElse(1)));
  }

  @Override
  public Optional<Boolean> childSubreaper() {
    return hiddenGroup.flatMap(HiddenGroup::shared).map(HiddenGroup.Shared::childSubreaper);
  }

  @Override
  public Optional<HiddenThread> hidden(Tid thread) {
    return hiddenAnswers.flatMap(known -> known.task(thread).map(task -> new HiddenThread(
        task.contexts().iopl() != 0 || task.contexts().ioBitmap(), undos(task),
        known.task(group.leader()).map(leader -> leader.contexts().namespaces().equals(task.contexts().namespaces()))
            .orElse(false), known.landlocked(task), task.contexts().ioSharers())));
  }

  private static HiddenThread.Undos undos(HiddenTask task) {
    return new HiddenThread.Undos(task.semUndoSharers(), task.semUndo().stream()
        .map(undo -> new HiddenThread.Undo(undo.semId(), undo.shown())).toList());
  }

  @Override
  public Optional<HiddenTask> seen(Tid thread) {
    return hiddenAnswers.flatMap(known -> known.task(thread));
  }

  @Override
  public Optional<RestartBlock> restartBlock(Tid thread) {
    return seen(thread).map(HiddenTask::restartBlock);
  }

  @Override
  public Optional<Long> asleepSinceNs(Tid thread) {
    return Optional.ofNullable(asleepSinceNs.get(thread));
  }
}
