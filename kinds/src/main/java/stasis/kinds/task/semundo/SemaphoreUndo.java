package stasis.kinds.task.semundo;

import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.resource.Answer;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.FrozenGroup;
import stasis.resource.FrozenTask;
import stasis.resource.HiddenThread;
import stasis.resource.Loss;
import stasis.resource.ObstructedException;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;
import stasis.resource.TaskAspect;

/// The SEM_UNDO list (semop(2)): what the end of a process gives back to semaphores. Ended by a checkpoint, the process
/// gives it back; restored, it takes it again, and cannot be restored where others have it by then. No call shows the
/// list; where the kernel's memory may not be read either, sets that the task was the last to use are told.
public final class SemaphoreUndo implements TaskAspect<SemaphoreUndo.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "task.semundo", 2);
  private static final long GETPID = 11;
  private static final long GETVAL = 12;
  private static final long SEM_STAT = 18;
  private static final long SEM_INFO = 19;
  /// Room for `struct seminfo` and `struct semid64_ds` of any architecture.
  private static final int STRUCT_BYTES = 256;
  private static final int MAX_SETS = 4096;
  private static final int MAX_SEMAPHORES = 1024;
  /// SEMVMX (uapi/linux/sem.h).
  private static final int MAX_VALUE = 32767;
  private static final int IPC_NOWAIT = 04000;
  private static final int SEM_UNDO = 0x1000;
  private static final int OPERATION_BYTES = 6;
  private static final String FINISH = "let it finish with its semaphores";

  /// @param sets ids of semaphore sets that the task's group was the last to use, where its list cannot be read
  /// @param owed what the end of the group gives back
  record State(@Tag(1) List<Integer> sets, @Tag(2) List<Owed> owed) {
    State {
      sets = List.copyOf(sets);
      owed = List.copyOf(owed);
    }
  }

  /// @param adjustment added to the semaphore's value at the end
  record Owed(@Tag(1) int set, @Tag(2) int semaphore, @Tag(3) int adjustment) {
    Owed {
      if (semaphore < 0 || semaphore > 0xffff || Math.abs(adjustment) > MAX_VALUE) {
        throw new IllegalArgumentException("no semaphore " + semaphore + " is owed " + adjustment);
      }
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
    FrozenTask leader = task.group().leader();
    boolean leads = task.tid().equals(leader.tid());
    if (task.hidden().isEmpty()) {
      // A semaphore knows the process that used it last, by the number of its group.
      List<Integer> used = leads ? used(task) : List.of();
      return used.isEmpty() ? Optional.empty() : Optional.of(new State(used, List.of()));
    }
    HiddenThread.Undos undos = task.hidden().get().undos();
    if (undos.sets().isEmpty()) {
      return Optional.empty();
    }
    if (undos.sharers() != task.group().tasks().size()
        || !leader.hidden().map(HiddenThread::undos).equals(Optional.of(undos))) {
      throw new ObstructedException(task.subject(), "what it owes to semaphores at its end (SEM_UNDO) is not that of"
          + " all threads of its process and of nobody else (CLONE_SYSVSEM)", FINISH);
    }
    return leads ? owed(task, undos) : Optional.empty();
  }

  private static Optional<State> owed(FrozenTask task, HiddenThread.Undos undos) throws ObstructedException {
    var owed = new ArrayList<Owed>();
    for (HiddenThread.Undo undo : undos.sets()) {
      int number = 0;
      for (Answer value = value(task, undo.set(), number); !value.failed(); value = value(task, undo.set(), number)) {
        if (number == undo.adjustments().size()) {
          throw new ObstructedException(task.subject(), "it has undos (SEM_UNDO) for set " + undo.set()
              + " of more than " + number + " semaphores", FINISH);
        }
        int adjustment = undo.adjustments().get(number);
        // Ends go no further than the bounds (ipc/sem.c, exit_sem()), and taking it back would: in whatever order the
        // processes of the tree end.
        int less = treeOwes(task, undo.set(), number, -1);
        int more = treeOwes(task, undo.set(), number, 1);
        if (adjustment != 0 && (value.result() + less < 0 || value.result() + more > MAX_VALUE)) {
          throw new ObstructedException(task.subject(), "it owes semaphore " + number + " of set " + undo.set()
              + " more at its end than that can take: " + adjustment + " to " + value.result()
              + (less == adjustment || more == adjustment ? "" : ", with other processes of the tree"), FINISH);
        }
        if (adjustment != 0) {
          owed.add(new Owed(undo.set(), number, adjustment));
        }
        number++;
      }
      if (number == 0) {
        throw new ObstructedException(task.subject(), "it has undos (SEM_UNDO) for set " + undo.set()
            + ", whose values cannot be read", "run the checkpoint as root");
      }
    }
    return owed.isEmpty() ? Optional.empty() : Optional.of(new State(List.of(), owed));
  }

  /// What all processes of the tree together take from a semaphore, or give to it.
  private static int treeOwes(FrozenTask task, int set, int number, int sign) {
    int owed = 0;
    for (FrozenGroup group : task.group().tree()) {
      for (HiddenThread.Undo undo : group.leader().hidden().map(hidden -> hidden.undos().sets()).orElse(List.of())) {
        if (undo.set() == set && number < undo.adjustments().size()
            && Integer.signum(undo.adjustments().get(number)) == sign) {
          owed += undo.adjustments().get(number);
        }
      }
    }
    return owed;
  }

  /// EINVAL behind the last of the set.
  private static Answer value(FrozenTask task, int set, int number) {
    return task.observe(Nr.SEMCTL, Arg.imm(set), Arg.imm(number), Arg.imm(GETVAL), Arg.imm(0));
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

  /// What was given back at the end is taken again, at once or not at all: the kernel notes the same to be given back.
  @Override
  public void restore(State state, Script script, Refs refs) {
    Map<Integer, List<Owed>> bySet = new TreeMap<>();
    state.owed().forEach(owed -> bySet.computeIfAbsent(owed.set(), _ -> new ArrayList<>()).add(owed));
    bySet.forEach((set, owed) -> {
      Bytes operations = Bytes.EMPTY;
      for (Owed one : owed) {
        operations = operations.concat(operation(one));
      }
      script.call(Nr.SEMOP, "take from semaphore set " + set + " what is owed to it at the end", Arg.imm(set),
          Arg.data(operations), Arg.imm(owed.size()));
    });
  }

  /// `struct sembuf`.
  private static Bytes operation(Owed owed) {
    int flags = SEM_UNDO | IPC_NOWAIT;
    return Bytes.ofU32(owed.semaphore() | -owed.adjustment() << Short.SIZE, flags).slice(0, OPERATION_BYTES);
  }

  @Override
  public Stage stage() {
    return Stage.ATTRIBUTES;
  }
}
