package stasis.engine;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import stasis.image.ObjectId;
import stasis.linux.abi.Errno;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Self;
import stasis.repository.ImageException;
import stasis.repository.PageSink;
import stasis.resource.MmState;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.VmaState;
import stasis.tracee.ErrandRefusedException;
import stasis.tracee.FrozenGroup;
import stasis.tracee.FrozenTree;
import stasis.tracee.Ptrace;
import stasis.tracee.RemoteMemory;
import stasis.tracee.Snapshot;

/// Page contents of a collected tree, readable until closed: in the frozen tasks themselves, or held so that they may
/// run on.
final class Contents implements AutoCloseable {
  /// VmFlag of memory in huge pages of hugetlbfs.
  private static final String HUGE = "ht";

  /// The private pages of one mm.
  ///
  /// @param task whose memory shows them: a member of the tree, or a copy-on-write image of it
  /// @param of whose memory it is
  private record Source(ObjectId mm, Tid of, Tid task, List<MappingCollector.Range> ranges, List<HeldRange> held) {
    RemoteMemory memory() {
      return new RemoteMemory(task);
    }
  }

  /// What there is to store, and the mms as that describes them: which share pages with which.
  record Found(PageStore store, Capture capture) {}

  private final List<Source> sources;
  private final List<BodySource> bodies;
  private final Copies copies;
  private final boolean held;
  private final String obstacle;
  private final Optional<WriteGuard> guard;
  private final CopyWatch watch;
  private final List<String> remains = new ArrayList<>();
  private boolean closed;

  private Contents(List<Source> sources, List<BodySource> bodies, Copies copies, boolean held,
      String obstacle, Optional<WriteGuard> guard) {
    this.guard = guard;
    this.obstacle = obstacle;
    this.sources = List.copyOf(sources);
    this.bodies = List.copyOf(bodies);
    this.copies = copies;
    this.held = held;
    this.watch = new CopyWatch(copies.all());
  }

  /// The tree stays frozen while its pages are read.
  static Contents inPlace(Collected.Complete collected) {
    return inPlace(collected, "");
  }

  private static Contents inPlace(Collected.Complete collected, String obstacle) {
    return new Contents(collected.pages().stream()
        .map(pages -> new Source(pages.mm(), pages.task(), pages.task(), pages.ranges(),
            List.of())).toList(), collected.bodies(),
        Copies.NONE, false, obstacle, Optional.empty());
  }

  /// A copy-on-write image of each mm, and copies of what such an image does not hold; where one cannot be made, the
  /// tree's own memory, for which it must stand still ([#told]).
  ///
  /// @param order what shared memory is write-protected
  static Contents snapshot(FrozenTree tree, Collected.Complete collected, Protection.Order order, Phases phases)
      throws ObstructedException, SyscallException {
    return snapshot(tree, collected, Adopters.of(tree, collected.pages()), order, phases);
  }

  /// @param adopters whose copies stay their children
  static Contents snapshot(FrozenTree tree, Collected.Complete collected, Adopters adopters, Protection.Order order,
      Phases phases) throws ObstructedException, SyscallException {
    if (collected.capture().mms().values().stream().filter(Contents::hasPrivateHugePages).count() > 1) {
      return inPlace(collected, "processes may share private huge pages of hugetlbfs, which a copy does not hold");
    }
    Optional<String> shortage = shortage(collected);
    if (shortage.isPresent()) {
      return inPlace(collected, shortage.get());
    }
    var taken = new HashMap<Tid, Snapshot>();
    Optional<String> impossible = take(tree, collected, adopters, taken, phases);
    if (impossible.isPresent()) {
      Contents contents = inPlace(collected, impossible.get());
      contents.remains.addAll(Copies.of(taken.values(), tree).end());
      return contents;
    }
    try (Phases.Stretch _ = phases.part("shared memory")) {
      Contents contents = beside(taken, tree, collected, order);
      contents.remains.addAll(adopters.passedBy(tree, order.proc()));
      return contents;
    }
  }

  /// Of those that have one memory, one shows it.
  ///
  /// @param taken gets the copies @return why it was not possible for all
  private static Optional<String> take(FrozenTree tree, Collected.Complete collected, Adopters adopters,
      Map<Tid, Snapshot> taken, Phases phases) throws ObstructedException, SyscallException {
    Set<Tid> shown = collected.pages().stream().map(MappingCollector.PrivatePages::task).collect(Collectors.toSet());
    List<FrozenGroup> groups = tree.members().stream().map(FrozenTree.Member::group)
        .filter(one -> shown.contains(one.shown())).toList();
    boolean done = false;
    Optional<String> impossible = Optional.empty();
    try (Adopters.Watch watch = adopters.relieve()) {
      for (int i = 0; i < groups.size() && impossible.isEmpty(); i++) {
        FrozenGroup group = groups.get(i);
        try (Phases.Stretch _ = phases.part("task " + group.leader())) {
          switch (watch.copy(group)) {
            case Snapshot.Outcome.Taken(var snapshot) -> taken.put(group.shown(), snapshot);
            case Snapshot.Outcome.Failed(Errno errno) -> impossible = Optional.of("clone: " + errno.meaning());
            case Snapshot.Outcome.Died _ ->
                throw new ObstructedException(new stasis.resource.Obstacle.TaskGone(group.leader()));
          }
        }
      }
      done = true;
    } catch (ErrandRefusedException e) {
      impossible = Optional.of(e.obstacle().message());
      done = true;
    } finally {
      if (!done) {
        Copies.of(taken.values(), tree).end();
      }
    }
    return impossible;
  }

  /// Of memory, if every page that may be written to is, before all are stored. Bodies are copied at once, by us.
  private static Optional<String> shortage(Collected.Complete collected) {
    MemoryRoom room = MemoryRoom.look();
    collected.pages().forEach(pages -> room.wantCopyOf(pages.task()));
    room.want(Self.pid(), collected.bodies().stream().mapToLong(BodySource::allocatedBytes).sum());
    return room.shortage();
  }

  private static boolean hasPrivateHugePages(MmState mm) {
    return mm.vmas().stream().anyMatch(vma -> vma.has(HUGE) && !vma.shared());
  }

  /// What a copy-on-write image does not hold is copied: shared bodies, and vmas that a child does not inherit
  /// (MADV_DONTFORK) or finds wiped (MADV_WIPEONFORK), or may lose to its parent when the pool is empty (hugetlbfs:
  /// mm/hugetlb.c, unmap_ref_private()).
  private static Contents beside(Map<Tid, Snapshot> taken, FrozenTree tree, Collected.Complete collected,
      Protection.Order order) throws SyscallException {
    var bodies = new HashMap<BodySource, BodySource>();
    var sources = new ArrayList<Source>();
    Optional<WriteGuard> guard = Optional.empty();
    try {
      Optional<Protection.Armed> armed = order.arm(tree, collected);
      guard = armed.map(Protection.Armed::guard);
      armed.ifPresent(one -> bodies.putAll(one.held()));
      for (BodySource body : collected.bodies()) {
        if (!bodies.containsKey(body)) {
          bodies.put(body, body.copy());
        }
      }
      for (MappingCollector.PrivatePages pages : collected.pages()) {
        sources.add(source(pages, GroupPlan.require(collected.capture().mms(), pages.mm()),
            GroupPlan.require(taken, pages.task()).child()));
      }
      List<BodySource> held = collected.bodies().stream().map(body -> GroupPlan.require(bodies, body)).toList();
      return new Contents(sources, held, Copies.of(taken.values(), tree), true, "", guard);
    } catch (SyscallException | RuntimeException | Error e) {
      new Contents(sources, List.copyOf(bodies.values()), Copies.of(taken.values(), tree), true, "", guard).close();
      throw e;
    }
  }

  private static Source source(MappingCollector.PrivatePages pages, MmState state, Tid copy) throws SyscallException {
    var inherited = new ArrayList<MappingCollector.Range>();
    var held = new ArrayList<HeldRange>();
    try {
      Map<RemoteAddress, VmaState> vmas = new HashMap<>();
      state.vmas().forEach(vma -> vmas.put(vma.start(), vma));
      for (MappingCollector.Range range : pages.ranges()) {
        VmaState vma = GroupPlan.require(vmas, range.start());
        if (!vma.has("dc") && !vma.has("wf") && !vma.has(HUGE)) {
          inherited.add(range);
        } else {
          held.addAll(HeldRange.copy(new RemoteMemory(pages.task()), range));
        }
      }
      return new Source(pages.mm(), pages.task(), copy, inherited, held);
    } catch (SyscallException | RuntimeException | Error e) {
      held.forEach(HeldRange::close);
      throw e;
    }
  }

  /// When all has been copied: why the tree stood still for it although copy-on-write images were asked for, and what of
  /// these is left in the program.
  List<String> told(long bytes) {
    List<String> told = new ArrayList<>(remains);
    if (!obstacle.isEmpty()) {
      told.add("no snapshot: the program stood still while " + bytes + " bytes were copied: " + obstacle);
    }
    return told;
  }

  /// Whether the tree may run on while they are read.
  boolean isHeld() {
    return held;
  }

  /// Copies them all, and says so by name where one of those whose memory was read has been ended meanwhile.
  void copy(Ptrace ptrace, PageStore store, PageSink sink, PageStore.Budget budget, Moment.Listener listener)
      throws SyscallException, ImageException, ObstructedException {
    try {
      store.copy(sink, () -> {
        budget.check();
        if (watch.hasEnded()) {
          refuseEnded(ptrace);
        }
      }, listener);
    } catch (SyscallException e) {
      refuseEnded(ptrace);
      refuseLost();
      throw e;
    }
    refuseEnded(ptrace);
    refuseLost();
  }

  /// What the program did to shared memory before it was copied may have lost what it was.
  private void refuseLost() throws ObstructedException {
    Optional<String> lost = guard.flatMap(WriteGuard::finish);
    if (lost.isPresent()) {
      throw new ObstructedException(new Obstacle.Overtaken("shared memory", lost.get()));
    }
  }

  /// Who is ended for want of memory may show fewer pages before it is gone (mm/oom_kill.c, __oom_reap_task_mm()).
  private void refuseEnded(Ptrace ptrace) throws ObstructedException {
    for (Source source : sources) {
      if (!ptrace.stands(source.task())) {
        String ended = !held ? "it was ended" : Casualties.isDead(source.of())
            ? "it and the copy of its memory were ended" : "the copy of its memory was ended";
        throw new ObstructedException("task " + source.of(), ended + " before it was stored, by somebody or by the"
            + " kernel for want of memory",
            held ? "give it more memory, or use --pre-copy, which needs no such copy" : "");
      }
    }
  }

  /// As below, and who was ended is named.
  Found pages(Ptrace ptrace, Capture capture, Phases phases) throws SyscallException, ObstructedException {
    watch.begin();
    try {
      return pages(capture, phases);
    } catch (SyscallException e) {
      refuseEnded(ptrace);
      throw e;
    }
  }

  /// Finds the pages; may run after the tree has resumed when snapshots hold them. A process that was born with the
  /// memory of another of the tree, and still shares pages with it, has only the others of its own.
  Found pages(Capture capture, Phases phases) throws SyscallException {
    PageStore store = new PageStore();
    Map<ObjectId, MmState> mms = new TreeMap<>(capture.mms());
    Map<ObjectId, OwnPages> known = new HashMap<>();
    Kinship kinship = new Kinship(capture);
    for (Source source : sources) {
      OwnPages own;
      try (Phases.Stretch _ = phases.part("pages of task " + source.task())) {
        own = OwnPages.of(source.task(), source.ranges());
      }
      known.put(source.mm(), own);
      Optional<OwnPages.Difference> difference = Optional.empty();
      Optional<ObjectId> base = kinship.base(source.mm()).filter(known::containsKey);
      if (base.isPresent()) {
        difference = own.from(GroupPlan.require(known, base.get()), kinship.inheritance(source.mm(), base.get()));
        difference.ifPresent(found -> mms.computeIfPresent(source.mm(), (_, mm) -> mm.copyOf(base.get(),
            found.dropped())));
      }
      add(store, source, difference.map(OwnPages.Difference::own).orElse(own.runs()));
    }
    for (BodySource body : bodies) {
      store.addBody(body);
    }
    return new Found(store, capture.withMms(mms));
  }

  private static void add(PageStore store, Source source, List<PageScan.Run> own) {
    record Piece(RemoteAddress start, Optional<PageScan.Run> run, Optional<HeldRange> held) {}
    var pieces = new ArrayList<Piece>();
    own.forEach(run -> pieces.add(new Piece(run.start(), Optional.of(run), Optional.empty())));
    source.held().forEach(range -> pieces.add(new Piece(range.start(), Optional.empty(), Optional.of(range))));
    pieces.sort(Comparator.comparing(Piece::start));
    for (Piece piece : pieces) {
      piece.held().ifPresent(range -> store.addHeld(source.mm(), range));
      piece.run().ifPresent(run -> store.addMemory(source.mm(), List.of(run), source.memory()));
    }
  }

  @Override
  public void close() throws SyscallException {
    if (closed) {
      return;
    }
    closed = true;
    guard.ifPresent(WriteGuard::close);
    watch.close();
    sources.forEach(source -> source.held().forEach(HeldRange::close));
    if (held) {
      bodies.forEach(BodySource::close);
    }
    remains.addAll(copies.end());
  }
}
