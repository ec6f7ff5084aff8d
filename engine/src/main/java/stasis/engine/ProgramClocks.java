package stasis.engine;

import java.util.List;
import java.util.Optional;
import stasis.image.LossRow;
import stasis.image.StatefileHeader;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Self;
import stasis.procfs.Proc;
import stasis.procfs.ProcException;
import stasis.resource.Host;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.tracee.stub.TimeOffsets;

/// CLOCK_MONOTONIC and CLOCK_BOOTTIME as a program sees them: those of the host, or of a time namespace
/// (time_namespaces(7)). For the program they never run backwards, whatever a host's are.
final class ProgramClocks {
  private static final long NANOS = 1_000_000_000L;

  private ProgramClocks() {}

  /// The environment with the clocks that a tree sees.
  ///
  /// @param leaders of its thread groups, the root's first
  /// @throws ObstructedException when they do not all see the same
  static Environment of(Environment environment, List<Tid> leaders) throws ProcException, ObstructedException {
    TimeOffsets own = offsets(environment.proc(), ownTid());
    TimeOffsets its = offsets(environment.proc(), leaders.getFirst());
    for (Tid leader : leaders) {
      if (!offsets(environment.proc(), leader).equals(its)) {
        throw new ObstructedException("task " + leader, "it is in another time namespace than task "
            + leaders.getFirst() + ", the root: their clocks differ", "checkpoint them apart");
      }
    }
    long monotonic = its.monotonicNs() - own.monotonicNs();
    long boottime = its.boottimeNs() - own.boottimeNs();
    return new Environment(environment.proc(), () -> environment.monotonicNs().getAsLong() + monotonic,
        () -> environment.boottimeNs().getAsLong() + boottime, environment.realtimeNs(), environment.kernelRelease(),
        environment.bootId(), environment.hostName(), environment.engineVersion());
  }

  /// What a program that has seen the header's clocks needs here; empty where ours are not behind.
  static Optional<TimeOffsets> needed(StatefileHeader header, Environment environment) throws ProcException {
    long monotonic = header.monotonicNs() - environment.monotonicNs().getAsLong();
    long boottime = header.boottimeNs() - environment.boottimeNs().getAsLong();
    if (monotonic <= 0 && boottime <= 0) {
      return Optional.empty();
    }
    TimeOffsets own = offsets(environment.proc(), ownTid());
    return Optional.of(new TimeOffsets(own.monotonicNs() + Math.max(0, monotonic),
        own.boottimeNs() + Math.max(0, boottime)));
  }

  /// Why a host whose clocks are behind cannot show others.
  static List<Obstacle> obstacles(Host host) {
    return !Restorer.isPlain(host) && host.setsProgram() || host.capabilities().contains("CAP_SYS_TIME") ? List.of()
        : List.of(new Obstacle.Unsupported("clocks",
            "this host's clocks are behind what the program has seen, and a time namespace needs CAP_SYS_TIME",
            "restore with CAP_SYS_TIME, or as an ordinary user"));
  }

  static LossRow told(TimeOffsets offsets) {
    return new LossRow("clocks", "namespace.time", LossRow.Exactness.APPROXIMATE, "this host's CLOCK_MONOTONIC or"
        + " CLOCK_BOOTTIME is behind what the program has seen: it runs in a time namespace, "
        + offsets.monotonicNs() / NANOS + " s and " + offsets.boottimeNs() / NANOS + " s ahead", Optional.empty());
  }

  private static Tid ownTid() {
    return Self.pid();
  }

  /// Lines of a clock, seconds and nanoseconds. A kernel without time namespaces has no such file.
  private static TimeOffsets offsets(Proc proc, Tid task) throws ProcException {
    if (!java.nio.file.Files.exists(java.nio.file.Path.of("/proc/self/timens_offsets"))) {
      return new TimeOffsets(0, 0);
    }
    List<String> lines = proc.task(task).text("timens_offsets").lines().toList();
    return new TimeOffsets(offset(lines, "monotonic"), offset(lines, "boottime"));
  }

  private static long offset(List<String> lines, String clock) throws ProcException {
    for (String line : lines) {
      String[] words = line.strip().split("\\s+");
      if (words.length == 3 && words[0].equals(clock)) {
        return Long.parseLong(words[1]) * NANOS + Long.parseLong(words[2]);
      }
    }
    return 0;
  }
}
