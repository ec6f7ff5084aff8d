package stasis.engine;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import stasis.image.ObjectId;
import stasis.linux.abi.PathBytes;
import stasis.resource.GroupAspect;
import stasis.resource.KindSet;
import stasis.resource.MmState;
import stasis.resource.Obstacle;
import stasis.resource.TaskState;
import stasis.tracee.stub.PidCounter;

/// Which processes of a tree execute their programs themselves, to be taken over, where no program can be set and no
/// pid chosen; and what of a tree cannot be had that way.
final class TakeOvers {
  private static final String REMEDY = "restore with CAP_CHECKPOINT_RESTORE, or where user and pid namespaces can be"
      + " made";

  /// Numbers that are passed over unasked: some seconds.
  private static final int FAR = 200_000;

  private final Capture capture;
  private final Map<ObjectId, Optional<PathBytes>> programs = new TreeMap<>();

  TakeOvers(KindSet kinds, Capture capture) {
    this.capture = capture;
    var owned = new Owned(capture);
    Sharers sharers = Sharers.of(capture.leaders());
    for (Map.Entry<ObjectId, TaskState> leader : capture.leaders()) {
      ObjectId first = sharers.first(Part.MM, leader.getKey());
      programs.put(leader.getKey(), kinds.groupAspects().stream()
          .flatMap(aspect -> program(aspect, owned, first).stream()).findFirst());
    }
  }

  private static <S extends Record> Optional<PathBytes> program(GroupAspect<S> aspect, Owned owned, ObjectId leader) {
    return owned.by(leader, aspect).flatMap(item -> aspect.program(Kinded.stateOf(aspect, item)));
  }

  /// The program file of a process; empty where it has no name any more.
  Optional<PathBytes> program(ObjectId leader) {
    return GroupPlan.require(programs, leader);
  }

  /// Whether a process runs another program than the one it is born of, and so executes its own.
  ///
  /// @param of a process, or none: then it is born of a stub
  boolean executes(ObjectId child, Optional<ObjectId> of) {
    return of.isEmpty() || !program(child).equals(program(of.get()));
  }

  /// What forbids it, in whatever host.
  ///
  /// @param bears of whom processes are born, as far as of others
  List<Obstacle> obstacles(List<BirthOrder.Act.Bear> bears) {
    var obstacles = new ArrayList<Obstacle>();
    programs.forEach((leader, program) -> {
      if (program.isEmpty()) {
        obstacles.add(unsupported(leader, "its program file has no name any more, and can be executed by none"));
      }
    });
    for (BirthOrder.Act.Bear bear : bears) {
      if (programs.containsKey(bear.child()) && programs.containsKey(bear.parent())
          && executes(bear.child(), Optional.of(bear.parent()))) {
        MmState mm = GroupPlan.require(capture.mms(), GroupPlan.require(capture.tasks(), bear.child()).mm());
        if (bear.shares().contains(Part.MM) || mm.base().isPresent()) {
          obstacles.add(unsupported(bear.child(), "it runs another program than the task whose memory it has"));
        } else if (bear.shares().contains(Part.FILES)) {
          obstacles.add(unsupported(bear.child(), "it shares its table of files with a task that runs another program,"
              + " and would have its own after executing its program"));
        }
      }
    }
    return obstacles;
  }

  private Obstacle unsupported(ObjectId leader, String reason) {
    return new Obstacle.Unsupported("task " + GroupPlan.require(capture.tasks(), leader).ownPid(), reason, REMEDY);
  }

  /// How far the kernel's counter is from the numbers at this moment, in words; nothing where it is not told.
  static List<String> way(List<Integer> pids) {
    return PidCounter.last().map(last -> {
      int most = pids.stream().mapToInt(pid -> PidCounter.distance(last, pid)).max().orElse(0);
      boolean round = pids.stream().anyMatch(pid -> pid <= last);
      return "in place: pids " + String.join(", ", pids.stream().map(String::valueOf).toList())
          + " are waited for; the last one given here is " + last + ": at least " + most + " numbers are passed over"
          + (round ? ", once around " + PidCounter.max() : "") + ", some ten thousand in a second";
    }).stream().toList();
  }

  /// What forbids it here, at this moment.
  ///
  /// @param patient whether pids are waited for however far they are
  List<Obstacle> here(Collection<Integer> pids, boolean patient) {
    var obstacles = new ArrayList<Obstacle>();
    programs.values().stream().flatMap(Optional::stream).distinct().forEach(program -> {
      // Unreadable, it would not be ours to trace when it is executed (fs/exec.c, would_dump()).
      Path file = Path.of(program.toString());
      if (!Files.isExecutable(file) || !Files.isReadable(file)) {
        obstacles.add(new Obstacle.HostLacks("program " + program, "this user may not execute or not read it",
            "give the right to, or " + REMEDY));
      }
    });
    Optional<Integer> last = PidCounter.last();
    if (last.isEmpty()) {
      obstacles.add(new Obstacle.HostLacks("pids", "this kernel does not tell which pid is next"
          + " (kernel.ns_last_pid), and none can be chosen", REMEDY));
      return obstacles;
    }
    for (int pid : new TreeSet<>(pids)) {
      if (pid >= PidCounter.max()) {
        obstacles.add(new Obstacle.HostLacks("pid " + pid, "there are none from " + PidCounter.max() + " on",
            "raise kernel.pid_max, or " + REMEDY));
      } else if (pid < PidCounter.GIVEN_ONCE && pid <= last.get()) {
        obstacles.add(new Obstacle.HostLacks("pid " + pid, "numbers below " + PidCounter.GIVEN_ONCE + " are given once"
            + " in a pid namespace, and the last one given here is " + last.get(), "restore sooner after the container"
            + " has started, or " + REMEDY));
      } else if (!patient && PidCounter.distance(last.get(), pid) > FAR) {
        obstacles.add(new Obstacle.Unsupported("pid " + pid, "none can be chosen here, and the next are those after "
            + last.get() + ": to wait for it " + PidCounter.distance(last.get(), pid)
            + " numbers have to be passed over, some ten thousand in a second",
            "wait with --in-place, restore in a fresh container, lower kernel.pid_max, or " + REMEDY));
      }
    }
    return obstacles;
  }
}
