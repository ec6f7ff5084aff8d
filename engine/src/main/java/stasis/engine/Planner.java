package stasis.engine;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import stasis.image.ObjectId;
import stasis.linux.abi.RemoteAddress;
import stasis.resource.BodyKind;
import stasis.resource.CpuState;
import stasis.resource.FilesState;
import stasis.resource.Host;
import stasis.resource.KindSet;
import stasis.resource.MmState;
import stasis.resource.Obstacle;
import stasis.resource.Program;
import stasis.resource.Stage;
import stasis.resource.Step;
import stasis.resource.TaskState;
import stasis.resource.VmaState;

/// Turns a capture into the program that brings it back. Pure: same capture and same host, same program.
///
/// Order within a task: birth, files, memory, threads, fds at their places, then the aspects by stage, then release.
public final class Planner {
  /// Room the restore program keeps for itself in every mm: code, data and call descriptors.
  static final long REGION_BYTES = 16L << 20;
  /// Lowest address a region may have: above mmap_min_addr and where a static program usually lies.
  private static final long LOWEST = 0x10000000L;
  private static final long PAGE = 4096;
  private static final long TASK_SIZE = 0x7ffffffff000L;

  private final KindSet kinds;

  public Planner(KindSet kinds) {
    this.kinds = kinds;
  }

  /// @return a program, or everything that prevents one
  public Plan plan(Capture capture, Host host) {
    var obstacles = new ArrayList<Obstacle>();
    for (Capture.Item<?> item : capture.items().values()) {
      obstacles.addAll(Kinded.obstacles(item, host));
    }
    obstacles.addAll(cpus(capture, host));
    int imageFd = imageFd(capture);
    long fdsWanted = imageFd + 2L + 2 * StubFiles.STDIO
        + capture.items(i -> i.kind() instanceof stasis.resource.FileKind<?>
        || i.kind() instanceof stasis.resource.BodyKind<?>).size();
    if (fdsWanted > host.maxOpenFiles()) {
      obstacles.add(new Obstacle.HostLacks("open files", "a restore needs fd numbers up to " + fdsWanted
          + ", the hard limit is " + host.maxOpenFiles(), "raise the hard limit on open files (ulimit -Hn)"));
    }
    Map<ObjectId, Long> offsets = new TreeMap<>();
    long holeBytes = REGION_BYTES;
    for (Capture.Item<?> item : capture.items(i -> i.kind() instanceof BodyKind<?>)) {
      long bytes = Kinded.holeBytes((BodyKind<?>) item.kind(), item);
      if (bytes > 0) {
        offsets.put(item.id(), holeBytes);
        holeBytes += bytes + PAGE - 1 & -PAGE;
      }
    }
    Optional<RemoteAddress> region = hole(capture.mms().values().stream().toList(), holeBytes);
    if (region.isEmpty()) {
      obstacles.add(new Obstacle.HostLacks("address space",
          "no hole of " + (holeBytes >> 20) + " MiB is free in every mm", ""));
    }
    if (!obstacles.isEmpty()) {
      return new Plan.Obstructed(obstacles);
    }
    Map<ObjectId, RemoteAddress> holes = new TreeMap<>();
    offsets.forEach((body, offset) -> holes.put(body, region.orElseThrow().plus(offset)));
    return new Plan.Runnable(program(capture, region.orElseThrow(), imageFd, holes));
  }

  private Program program(Capture capture, RemoteAddress region, int imageFd, Map<ObjectId, RemoteAddress> holes) {
    Program program = new Program();
    var leaders = capture.leaders();
    if (leaders.size() != 1) {
      throw new IllegalStateException("a tree of " + leaders.size() + " thread groups reached the planner");
    }
    Map.Entry<ObjectId, TaskState> root = leaders.getFirst();
    program.append(new Step.Spawn(root.getKey(), new Step.Birth.Root(root.getValue().pids(), region, imageFd),
        "birth of " + root.getValue().comm()));
    new GroupPlan(kinds, capture, program, root.getKey(), imageFd, holes).write();
    for (ObjectId thread : capture.threads(root.getKey()).reversed()) {
      var cpu = capture.cpus().get(thread);
      if (cpu == null) {
        throw new IllegalStateException("no CPU state of " + thread);
      }
      program.append(new Step.Release(thread, cpu, "thread goes on"));
    }
    return program;
  }

  /// Register state in use that this CPU or kernel does not offer.
  private static List<Obstacle> cpus(Capture capture, Host host) {
    long missing = 0;
    for (CpuState cpu : capture.cpus().values()) {
      missing |= Xstate.inUse(cpu.extended()) & ~host.xfeatures();
    }
    return missing == 0 ? List.of() : List.of(new Obstacle.HostLacks("CPU",
        "the program has state in registers this CPU or kernel does not offer: "
            + String.join(", ", Xstate.names(missing)), "restore it on a CPU that has them"));
  }

  /// The first fd above every fd of the tree.
  private static int imageFd(Capture capture) {
    return capture.files().values().stream().map(FilesState::entries).filter(entries -> !entries.isEmpty())
        .mapToInt(entries -> entries.getLast().fd().value() + 1).max().orElse(0);
  }

  /// The lowest address range that no mm of the tree uses.
  static Optional<RemoteAddress> hole(List<MmState> mms, long lengthBytes) {
    List<VmaState> vmas = mms.stream().flatMap(mm -> mm.vmas().stream())
        .sorted(Comparator.comparing(VmaState::start)).toList();
    long gap = 2L << 20;
    long from = LOWEST;
    for (VmaState vma : vmas) {
      if (Long.compareUnsigned(vma.start().bits(), TASK_SIZE) >= 0) {
        break;
      }
      if (vma.start().bits() - from >= lengthBytes + 2 * gap) {
        return Optional.of(new RemoteAddress(from + gap));
      }
      from = Math.max(from, align(vma.end().bits()));
    }
    return TASK_SIZE - from >= lengthBytes + 2 * gap ? Optional.of(new RemoteAddress(from + gap)) : Optional.empty();
  }

  private static long align(long address) {
    return (address + 0xfffffL) & ~0xfffffL;
  }

  /// The stages an aspect may name, in program order after memory.
  static List<Stage> lateStages() {
    return List.of(Stage.ATTRIBUTES, Stage.SIGNALS, Stage.CREDENTIALS, Stage.LAST);
  }
}
