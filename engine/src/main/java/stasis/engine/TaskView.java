package stasis.engine;

import java.util.List;
import java.util.Optional;
import stasis.image.ObjectId;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Tid;
import stasis.procfs.FileStat;
import stasis.procfs.ProcAbsentException;
import stasis.procfs.ProcException;
import stasis.procfs.ProcTask;
import stasis.procfs.Stat;
import stasis.procfs.Status;
import stasis.procfs.TaskGoneException;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.FrozenGroup;
import stasis.resource.FrozenTask;
import stasis.resource.HiddenThread;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.Question;
import stasis.resource.Rseq;
import stasis.resource.SeccompFilter;
import stasis.resource.UserDispatch;

/// One stopped thread; status and stat are read once, when the view is made.
final class TaskView implements FrozenTask {
  private final ObjectId id;
  private final ProcTask proc;
  private final GroupView group;
  private final Status status;
  private final Stat stat;
  private final Frozen frozen;
  private final String subject;

  TaskView(ObjectId id, ProcTask proc, GroupView group, Frozen frozen) throws ObstructedException {
    this.id = id;
    this.frozen = frozen;
    this.proc = proc;
    this.group = group;
    try {
      this.status = proc.status();
      this.stat = proc.stat();
    } catch (ProcException e) {
      throw obstructed(proc.tid(), "/proc", e);
    }
    this.subject = "task " + proc.tid() + " (" + status.name() + ")";
  }

  static ObstructedException obstructed(Tid tid, String subject, ProcException e) {
    return e instanceof TaskGoneException
        ? new ObstructedException(new Obstacle.TaskGone(tid))
        : new ObstructedException("task " + tid + " " + subject, e, "run as the task's owner or as root");
  }

  @Override
  public ObjectId id() {
    return id;
  }

  @Override
  public Tid tid() {
    return proc.tid();
  }

  @Override
  public FrozenGroup group() {
    return group;
  }

  @Override
  public String subject() {
    return subject;
  }

  @Override
  public Status status() {
    return status;
  }

  @Override
  public Stat stat() {
    return stat;
  }

  @Override
  public String proc(String file) throws ObstructedException {
    try {
      return proc.text(file);
    } catch (ProcAbsentException absent) {
      // Some files are the group's alone (fs/proc/base.c, tgid_base_stuff).
      try {
        return group.procOfLeader().text(file);
      } catch (ProcException e) {
        throw obstructed(tid(), file, e);
      }
    } catch (ProcException e) {
      throw obstructed(tid(), file, e);
    }
  }

  @Override
  public String link(String name) throws ObstructedException {
    try {
      return proc.link(name).latin1();
    } catch (ProcException e) {
      throw obstructed(tid(), name, e);
    }
  }

  @Override
  public FileStat facts(String name) throws ObstructedException {
    try {
      return proc.linkStat(name);
    } catch (ProcException e) {
      throw obstructed(tid(), name, e);
    }
  }

  @Override
  public List<Bytes> pending() throws ObstructedException {
    return frozen.pending(tid());
  }

  @Override
  public Optional<Rseq> rseq() throws ObstructedException {
    return frozen.rseq(tid());
  }

  @Override
  public List<SeccompFilter> seccompFilters() throws ObstructedException {
    return frozen.seccompFilters(tid(), status.seccompFilters());
  }

  @Override
  public Optional<UserDispatch> userDispatch() throws ObstructedException {
    return frozen.userDispatch(tid());
  }

  @Override
  public Optional<HiddenThread> hidden() {
    return frozen.hidden(tid());
  }

  @Override
  public Answer observe(Nr nr, Arg... args) {
    return group.observe(nr, List.of(args));
  }

  @Override
  public Answer observeOwn(Nr nr, Arg... args) {
    return group.observeOwn(new Question(nr, List.of(args)));
  }
}
