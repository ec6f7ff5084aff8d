package stasis.engine;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import stasis.image.ObjectId;
import stasis.linux.abi.Fd;
import stasis.linux.abi.RemoteAddress;
import stasis.resource.BodyKind;
import stasis.resource.CpuState;
import stasis.resource.FileKind;
import stasis.resource.FilesState;
import stasis.resource.Host;
import stasis.resource.KindSet;
import stasis.resource.MmState;
import stasis.resource.Obstacle;
import stasis.resource.Stage;
import stasis.resource.TaskState;
import stasis.resource.VmaState;

/// Turns a capture into the program that brings it back. Pure: same capture and same host, same program.
///
/// Order: files and bodies in the root; births and memories as [BirthOrder] has them; then, each for all processes,
/// threads, fds at their places, the aspects by stage, and the release.
public final class Planner {
  /// Room the restore program keeps for itself in every mm: code, data and call descriptors.
  static final long REGION_BYTES = 16L << 20;
  /// Lowest address a region may have: above mmap_min_addr and where a static program usually lies.
  private static final long LOWEST = 0x10000000L;
  private static final long PAGE = 4096;
  static final long TASK_SIZE = 0x7ffffffff000L;

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
    BirthOrder order = BirthOrder.of(capture, copies(capture));
    obstacles.addAll(births(capture, order));
    if (!host.setsProgram()) {
      obstacles.addAll(new TakeOvers(kinds, capture).obstacles(order.acts().stream()
          .flatMap(act -> act instanceof BirthOrder.Act.Bear bear ? Stream.of(bear) : Stream.empty()).toList()));
    }
    int imageFd = imageFd(capture);
    long fdsWanted = 2L * spare(capture, imageFd).value() - imageFd;
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
    return new Plan.Runnable(new TreePlan(kinds, capture, host, order, region.orElseThrow(), imageFd, holes).write());
  }

  /// Processes that cannot be born as they are.
  static List<Obstacle> unborn(Capture capture, BirthOrder order) {
    var obstacles = new ArrayList<Obstacle>();
    order.impossible().forEach((id, reason) -> obstacles.add(new Obstacle.Unsupported(
        "task " + pidOf(capture, id), reason, "let the program end that process before the checkpoint")));
    return obstacles;
  }

  private static List<Obstacle> births(Capture capture, BirthOrder order) {
    var obstacles = new ArrayList<Obstacle>(unborn(capture, order));
    Sharers sharers = Sharers.of(capture.leaders());
    for (Map.Entry<ObjectId, TaskState> leader : capture.leaders()) {
      MmState mm = GroupPlan.require(capture.mms(), leader.getValue().mm());
      Optional<ObjectId> bornWith = order.clonedFrom(leader.getKey())
          .map(from -> GroupPlan.require(capture.tasks(), from).mm());
      if (mm.base().isPresent() && sharers.isFirst(Part.MM, leader.getKey()) && !mm.base().equals(bornWith)) {
        obstacles.add(new Obstacle.Unsupported("task " + leader.getValue().ownPid(),
            "its memory is told as a copy of one it cannot be born with", ""));
      }
    }
    return obstacles;
  }

  private static int pidOf(Capture capture, ObjectId id) {
    return capture.zombies().containsKey(id) ? GroupPlan.require(capture.zombies(), id).ownPid()
        : GroupPlan.require(capture.tasks(), id).ownPid();
  }

  /// The mms that are copies of another's.
  private static Set<ObjectId> copies(Capture capture) {
    var copies = new HashSet<ObjectId>();
    capture.mms().forEach((id, mm) -> mm.base().ifPresent(_ -> copies.add(id)));
    return copies;
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
    int open = capture.files().values().stream().map(FilesState::entries).filter(entries -> !entries.isEmpty())
        .mapToInt(entries -> entries.getLast().fd().value() + 1).max().orElse(0);
    return Math.max(open, LentNumbers.of(capture).above());
  }

  /// The lowest number above all that files and bodies are kept at.
  static Fd spare(Capture capture, int imageFd) {
    return new Fd(imageFd + 2 + 2 * StubFiles.STDIO + capture.items(i -> i.kind() instanceof FileKind<?>
        || i.kind() instanceof BodyKind<?>).size());
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
