package stasis.kinds.task.semundo;

import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Nr;
import stasis.resource.Answer;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.FrozenTask;
import stasis.resource.Loss;
import stasis.resource.ObstructedException;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;
import stasis.resource.TaskAspect;

/// No SEM_UNDO list (semop(2)), or the task is refused: the semaphores outlive it, and would get back at its end what a
/// restored task then owes no more. No call shows the list; where the kernel's memory may not be read either, sets that
/// the task was the last to use are told.
public final class SemaphoreUndo implements TaskAspect<SemaphoreUndo.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "task.semundo", 1);
  private static final long GETPID = 11;
  private static final long SEM_STAT = 18;
  private static final long SEM_INFO = 19;
  /// Room for `struct seminfo` and `struct semid64_ds` of any architecture.
  private static final int STRUCT_BYTES = 256;
  private static final int MAX_SETS = 4096;
  private static final int MAX_SEMAPHORES = 1024;

  /// @param sets ids of semaphore sets that the task's group was the last to use
  record State(@Tag(1) List<Integer> sets) {
    State {
      sets = List.copyOf(sets);
    }
  }

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public List<Loss> losses(State state) {
    return state.sets().stream().map(set -> new Loss("semaphore set " + set
        + " may be owed an undo (SEM_UNDO), which is lost if so: only root can see it", "checkpoint as root")).toList();
  }

  @Override
  public Optional<State> checkpoint(FrozenTask task, Answers answers) throws ObstructedException {
    if (task.hidden().isPresent()) {
      int undos = task.hidden().get().semaphoreUndos();
      if (undos != 0) {
        throw new ObstructedException(task.subject(), "it has undos for " + undos
            + " sets of semaphores to do at its end (SEM_UNDO)", "let it finish with its semaphores");
      }
      return Optional.empty();
    }
    // A semaphore knows the process that used it last, by the number of its group.
    List<Integer> used = task.tid().equals(task.group().leader().tid()) ? used(task) : List.of();
    return used.isEmpty() ? Optional.empty() : Optional.of(new State(used));
  }

  private static List<Integer> used(FrozenTask task) {
    Answer highest = task.observe(Nr.SEMCTL, Arg.imm(0), Arg.imm(0), Arg.imm(SEM_INFO), Arg.space(STRUCT_BYTES));
    var used = new ArrayList<Integer>();
    for (int index = 0; index <= Math.min(highest.result(), MAX_SETS); index++) {
      Answer set = task.observe(Nr.SEMCTL, Arg.imm(index), Arg.imm(0), Arg.imm(SEM_STAT), Arg.space(STRUCT_BYTES));
      // EINVAL for an index not in use, EACCES for a set this user may not touch either.
      if (!set.failed() && isUsed(task, (int) set.result())) {
        used.add((int) set.result());
      }
    }
    return used;
  }

  private static boolean isUsed(FrozenTask task, int set) {
    for (int number = 0; number < MAX_SEMAPHORES; number++) {
      Answer pid = task.observe(Nr.SEMCTL, Arg.imm(set), Arg.imm(number), Arg.imm(GETPID), Arg.imm(0));
      if (pid.failed()) {
        return false;
      }
      if (pid.result() == task.tid().value()) {
        return true;
      }
    }
    return false;
  }

  /// Nothing: a restored task owes nothing.
  @Override
  public void restore(State state, Script script, Refs refs) {}

  @Override
  public Stage stage() {
    return Stage.LAST;
  }
}
