package stasis.engine;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.image.ObjectId;
import stasis.linux.abi.Errno;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.resource.MmState;
import stasis.resource.ObstructedException;
import stasis.resource.VmaState;
import stasis.tracee.Deadline;
import stasis.tracee.ErrandRefusedException;
import stasis.tracee.FrozenGroup;
import stasis.tracee.LiveTask;
import stasis.tracee.RemoteMemory;
import stasis.tracee.Snapshot;

/// Page contents of a collected tree, readable until closed: in the frozen task itself, or held so that it may run on.
final class Contents implements AutoCloseable {
  private static final Duration SNAPSHOT_BOUND = Duration.ofSeconds(30);

  private final ObjectId mm;
  private final List<MappingCollector.Range> ranges;
  private final List<BodySource> bodies;
  private final RemoteMemory memory;
  private final List<HeldRange> held;
  private final Optional<Snapshot> snapshot;
  private final String obstacle;

  private Contents(ObjectId mm, List<MappingCollector.Range> ranges, List<BodySource> bodies, RemoteMemory memory,
      List<HeldRange> held, Optional<Snapshot> snapshot, String obstacle) {
    this.mm = mm;
    this.ranges = List.copyOf(ranges);
    this.bodies = List.copyOf(bodies);
    this.memory = memory;
    this.held = List.copyOf(held);
    this.snapshot = snapshot;
    this.obstacle = obstacle;
  }

  /// The group stays frozen while its pages are read.
  static Contents inPlace(FrozenGroup group, Collected.Complete collected) {
    return inPlace(group, collected, "");
  }

  private static Contents inPlace(FrozenGroup group, Collected.Complete collected, String obstacle) {
    return new Contents(mm(collected), collected.privateRanges(), collected.bodies(), group.memory(), List.of(),
        Optional.empty(), obstacle);
  }

  /// A copy-on-write image of the mm, and copies of what such an image does not hold; where none can be made, the
  /// group's own memory, for which it must stand still ([#obstacle]).
  static Contents snapshot(FrozenGroup group, Collected.Complete collected) throws ObstructedException,
      SyscallException {
    return switch (Attempt.at(group)) {
      case Attempt.Taken(Snapshot taken) -> beside(taken, group, collected);
      case Attempt.Impossible(String why) -> inPlace(group, collected, why);
    };
  }

  /// What a copy-on-write image does not hold is copied: shared bodies, and vmas that a child does not inherit
  /// (MADV_DONTFORK) or finds wiped (MADV_WIPEONFORK).
  private static Contents beside(Snapshot taken, FrozenGroup group, Collected.Complete collected)
      throws SyscallException {
    var bodies = new ArrayList<BodySource>();
    var held = new ArrayList<HeldRange>();
    try {
      for (BodySource body : collected.bodies()) {
        bodies.add(body.copy());
      }
      MmState state = collected.capture().mms().firstEntry().getValue();
      var inherited = new ArrayList<MappingCollector.Range>();
      for (MappingCollector.Range range : collected.privateRanges()) {
        if (isInherited(state, range.start())) {
          inherited.add(range);
        } else {
          held.addAll(HeldRange.copy(group.memory(), range));
        }
      }
      return new Contents(mm(collected), inherited, bodies, taken.memory(), held, Optional.of(taken), "");
    } catch (SyscallException | RuntimeException | Error e) {
      bodies.forEach(BodySource::close);
      held.forEach(HeldRange::close);
      taken.close();
      throw e;
    }
  }

  /// What came of trying for a copy-on-write image.
  private sealed interface Attempt {
    record Taken(Snapshot snapshot) implements Attempt {}

    record Impossible(String why) implements Attempt {}

    static Attempt at(FrozenGroup group) throws ObstructedException, SyscallException {
      LiveTask task = group.tasks().getFirst();
      try {
        return switch (Snapshot.take(group, task, Deadline.after(SNAPSHOT_BOUND))) {
          case Snapshot.Outcome.Taken(var snapshot) -> new Taken(snapshot);
          case Snapshot.Outcome.Failed(Errno errno) -> new Impossible("clone: " + errno.meaning());
          case Snapshot.Outcome.Died _ ->
              throw new ObstructedException(new stasis.resource.Obstacle.TaskGone(group.leader()));
        };
      } catch (ErrandRefusedException e) {
        return new Impossible(e.obstacle().message());
      }
    }
  }

  /// Why the group must stand still until its pages are copied, although a snapshot was asked for; empty if one was
  /// taken.
  String obstacle() {
    return obstacle;
  }

  private static ObjectId mm(Collected.Complete collected) {
    return collected.capture().mms().firstKey();
  }

  private static boolean isInherited(MmState state, RemoteAddress start) {
    for (VmaState vma : state.vmas()) {
      if (vma.start().equals(start)) {
        return !vma.has("dc") && !vma.has("wf");
      }
    }
    return true;
  }

  /// Finds the pages; may run after the group has resumed when a snapshot holds them.
  PageStore pages() throws SyscallException {
    PageStore store = new PageStore();
    var found = new ArrayList<Found>();
    try (PageScan scan = new PageScan(memory.task())) {
      for (MappingCollector.Range range : ranges) {
        found.add(new Found(range.start(), scan.ownPages(range.start(), range.lengthBytes()), Optional.empty()));
      }
    }
    for (HeldRange range : held) {
      found.add(new Found(range.start(), List.of(range.run()), Optional.of(range)));
    }
    found.sort(java.util.Comparator.comparing(Found::start));
    for (Found pages : found) {
      if (pages.held().isPresent()) {
        store.addHeld(mm, pages.held().get());
      } else {
        store.addMemory(mm, pages.runs(), memory);
      }
    }
    for (BodySource body : bodies) {
      store.addBody(body);
    }
    return store;
  }

  private record Found(RemoteAddress start, List<PageScan.Run> runs, Optional<HeldRange> held) {}

  @Override
  public void close() throws SyscallException {
    held.forEach(HeldRange::close);
    if (snapshot.isPresent()) {
      bodies.forEach(BodySource::close);
      snapshot.get().close();
    }
  }
}
