package stasis.engine;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import stasis.image.DecodeException;
import stasis.image.Limits;
import stasis.image.ObjectId;
import stasis.image.PageMap;
import stasis.image.PageRuns;
import stasis.image.Statefile;
import stasis.linux.abi.Errno;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.abi.Uffd;
import stasis.linux.sys.Userfault;
import stasis.procfs.Proc;
import stasis.procfs.ProcException;
import stasis.repository.EarlierImage;
import stasis.repository.EarlierPages;
import stasis.repository.ImageException;
import stasis.repository.ImageIdentity;
import stasis.repository.ImageWriter;
import stasis.tracee.Deadline;
import stasis.tracee.ErrandRefusedException;
import stasis.tracee.FrozenGroup;
import stasis.tracee.FrozenTree;
import stasis.tracee.Userfaults;

/// The tracking of a tree over one checkpoint: what its holder knows is looked up before the freeze, what was not
/// written since is asked and the memory protected anew in the freeze, and a new holder is started once the image
/// counts. Whatever is in doubt is read, and told.
final class WriteTracking implements AutoCloseable {
  private static final Duration ERRAND_BOUND = Duration.ofSeconds(30);
  private static final int O_NONBLOCK = 0x800;
  /// Files in whose presence marks prove nothing, and why. The registered buffers of an io_uring are pinned: the kernel
  /// writes to them past page tables. Who has a userfaultfd sets marks as well.
  private static final Map<String, String> MISLEADING = Map.of(
      "anon_inode:[io_uring]", "an io_uring, through which it may be written without a trace",
      "anon_inode:[userfaultfd]", "a userfaultfd of its own");

  private final Proc proc;
  private final Tid root;
  private final TrackOrder order;
  private final Noting noting;
  private final long rootStart;
  private final Optional<TrackingHolder> holder;
  private final Map<ObjectId, PageRuns> earlierRuns = new HashMap<>();
  private final Map<ObjectId, Unwritten> unwritten = new HashMap<>();
  private final List<TrackingHolder.Held> held = new ArrayList<>();
  private final List<String> told = new ArrayList<>();
  private Optional<EarlierPages> earlier = Optional.empty();
  private Optional<Tid> next = Optional.empty();
  private long trackedBytes;
  private long hugeBytes;

  private WriteTracking(Proc proc, Tid root, long rootStart, TrackOrder order, Noting noting,
      Optional<TrackingHolder> holder) {
    this.proc = proc;
    this.root = root;
    this.rootStart = rootStart;
    this.order = order;
    this.noting = noting;
    this.holder = holder;
  }

  /// Before the freeze.
  static WriteTracking begin(Proc proc, Tid root, TrackOrder order, ImageWriter writer)
      throws ProcException, SyscallException {
    if (order == TrackOrder.OFF) {
      return new WriteTracking(proc, root, 0, order, Noting.NOTHING, Optional.empty());
    }
    var tracking = new WriteTracking(proc, root, TrackingHolder.start(proc, root), order, Noting.here(),
        TrackingHolder.find(proc, root));
    if (tracking.holder.isPresent()) {
      tracking.lookUp(tracking.holder.get().state().parent(), writer);
    }
    return tracking;
  }

  /// What is done in the freeze, to a tree that is ours.
  static void rehearse(Environment environment, FrozenTree tree, Collected.Complete collected, TrackOrder order)
      throws SyscallException {
    if (order != TrackOrder.OFF) {
      try (var tracking = new WriteTracking(environment.proc(), tree.members().getFirst().group().leader(), 0, order,
          Noting.here(), Optional.empty())) {
        tracking.pass(tree, collected, true, new Phases(environment.monotonicNs()));
        for (MappingCollector.PrivatePages pages : collected.pages()) {
          tracking.trackedBytes += tracking.unwritten(pages, tracking.canaries(pages)).map(Intervals::runs)
              .map(List::size).orElse(0);
        }
      }
    }
  }

  private void lookUp(ImageIdentity parent, ImageWriter writer) {
    Optional<EarlierImage> image = writer.earlier(parent);
    if (image.isEmpty()) {
      told.add("all memory was read: " + parent.title() + ", since which the program is tracked, is not in this"
          + " repository");
      return;
    }
    try {
      for (PageMap map : Statefile.decode(image.get().metadata(), image.get().pageBytes(), Limits.DEFAULT).pageMaps()) {
        earlierRuns.put(map.body(), map.runs());
      }
      earlier = image.map(EarlierImage::pages);
    } catch (DecodeException e) {
      told.add("all memory was read: " + parent.title() + " does not decode: " + e.getMessage());
    }
  }

  /// In the freeze: asks what was not written.
  ///
  /// @param arm whether the tree runs on, and is to be tracked from here on
  void pass(FrozenTree tree, Collected.Complete collected, boolean arm, Phases phases) throws SyscallException {
    Optional<String> misleading = noting == Noting.NOTHING
        ? Optional.of("a kernel that notes no writes (Linux 6.7, or CONFIG_MEM_SOFT_DIRTY)")
        : misleading(collected.files());
    if (misleading.isPresent()) {
      earlier = Optional.empty();
      told.add("all memory was read, and it is not tracked: the program has " + misleading.get());
      if (holder.isPresent()) {
        holder.get().end();
      }
      return;
    }
    boolean known = holder.filter(TrackingHolder::isAlive).isPresent();
    if (holder.isPresent() && !known) {
      earlier = Optional.empty();
      told.add("all memory was read: what held the tracking has been ended");
    }
    if (known) {
      for (MappingCollector.PrivatePages pages : collected.pages()) {
        ask(pages);
      }
    }
    if (!arm) {
      return;
    }
    Map<Tid, Userfault> ours = new HashMap<>();
    if (known) {
      TrackingHolder before = holder.orElseThrow();
      for (MappingCollector.PrivatePages pages : collected.pages()) {
        Optional<TrackedState.Mm> mm = pages.watched() ? known(pages) : Optional.empty();
        if (mm.isPresent()) {
          ours.put(pages.task(), before.userfault(mm.get()));
        }
      }
      // From here on what it says of the parent is no longer so.
      before.end();
    }
    Map<Tid, FrozenGroup> groups = new HashMap<>();
    tree.members().forEach(member -> groups.put(member.group().shown(), member.group()));
    for (MappingCollector.PrivatePages pages : collected.pages()) {
      try (Phases.Stretch _ = phases.part("task " + pages.task())) {
        arm(pages, GroupPlan.require(groups, pages.task()), Optional.ofNullable(ours.remove(pages.task())));
      }
    }
  }

  /// @param link where an fd leads, as /proc/PID/fd has it @return what it is, if marks prove nothing beside it
  static Optional<String> misleading(String link) {
    return Optional.ofNullable(MISLEADING.get(link));
  }

  static Optional<String> misleading(FileCollector files) {
    return MISLEADING.keySet().stream().filter(files::hasOpen).findFirst().map(MISLEADING::get);
  }

  /// Those of another program that has the same tid by now are not.
  private Optional<TrackedState.Mm> known(MappingCollector.PrivatePages pages) {
    try {
      long start = TrackingHolder.start(proc, pages.task());
      return holder.stream().flatMap(one -> one.state().mms().stream())
          .filter(mm -> mm.task().equals(pages.task()) && mm.start() == start).findFirst();
    } catch (ProcException e) {
      return Optional.empty();
    }
  }

  /// A program that was executed since has a memory in which nothing is registered.
  private void ask(MappingCollector.PrivatePages pages) throws SyscallException {
    Optional<TrackedState.Mm> mm = known(pages);
    Optional<PageRuns> runs = mm.map(TrackedState.Mm::body).map(earlierRuns::get);
    if (runs.isEmpty() || !pages.watched()) {
      return;
    }
    Optional<Intervals> asked = unwritten(pages, mm.orElseThrow().canaries());
    if (asked.isPresent()) {
      unwritten.put(pages.mm(), new Unwritten(asked.get(), runs.get()));
    } else if (earlier.isPresent()) {
      earlier = Optional.empty();
      told.add("all memory was read: of task " + pages.task() + " somebody else has cleared the soft-dirty bits"
          + " (/proc/PID/clear_refs), or what would tell is gone");
    }
  }

  /// The pages of an mm that nobody wrote since they were protected. @return empty where that is in doubt
  private Optional<Intervals> unwritten(MappingCollector.PrivatePages pages, List<SoftDirty.Canary> canaries)
      throws SyscallException {
    return noting == Noting.MARKS ? Optional.of(marked(pages)) : notDirtied(proc, pages.task(), canaries);
  }

  static Optional<Intervals> notDirtied(Proc proc, Tid task, List<SoftDirty.Canary> canaries) throws SyscallException {
    try {
      SoftDirty bits = SoftDirty.of(proc, task);
      return bits.stand(canaries) ? Optional.of(bits.unwritten()) : Optional.empty();
    } catch (ProcException e) {
      return Optional.empty();
    }
  }

  static Intervals marked(MappingCollector.PrivatePages pages) throws SyscallException {
    var unchanged = new Intervals();
    try (PageScan scan = new PageScan(pages.task())) {
      for (PageScan.Run stretch : stretches(pages, TrackOrder.HUGE_TOO)) {
        for (PageScan.Run run : scan.unwritten(stretch.start(), stretch.lengthBytes())) {
          unchanged.add(run.start().bits(), run.start().bits() + run.lengthBytes());
        }
      }
    }
    return unchanged;
  }

  private List<SoftDirty.Canary> canaries(MappingCollector.PrivatePages pages) {
    return held.stream().filter(one -> one.body().equals(pages.mm())).flatMap(one -> one.canaries().stream()).toList();
  }

  /// Vmas that touch are one to the kernel.
  private static List<PageScan.Run> stretches(MappingCollector.PrivatePages pages, TrackOrder order) {
    var stretches = new Intervals();
    for (MappingCollector.Range range : pages.ranges()) {
      if (range.writes() == MappingCollector.Writes.NOTED
          || range.writes() == MappingCollector.Writes.NOTED_IN_SMALL && order == TrackOrder.HUGE_TOO) {
        stretches.add(range.start().bits(), range.start().bits() + range.lengthBytes());
      }
    }
    return stretches.runs();
  }

  private void arm(MappingCollector.PrivatePages pages, FrozenGroup group, Optional<Userfault> ours)
      throws SyscallException {
    String subject = "task " + pages.task();
    if (pages.watched() && ours.isEmpty()) {
      told.add(subject + " is not tracked: its memory is registered with another's userfaultfd");
      return;
    }
    try {
      Userfault userfault = ours.isPresent() ? ours.get() : fresh(group, noting);
      long start = TrackingHolder.start(proc, pages.task());
      if (noting == Noting.SOFT_DIRTY) {
        armBits(pages, start, userfault);
      } else {
        armMarks(pages, start, userfault);
      }
    } catch (ErrandRefusedException e) {
      told.add(subject + " is not tracked: " + e.obstacle().message());
    } catch (ProcException | SyscallException e) {
      told.add(subject + " is not tracked: " + e.getMessage());
    }
  }

  private void armMarks(MappingCollector.PrivatePages pages, long start, Userfault userfault) throws SyscallException {
    held.add(new TrackingHolder.Held(pages.task(), start, pages.mm(), userfault, List.of()));
    if (order == TrackOrder.ON) {
      hugeBytes += pages.ranges().stream()
          .filter(range -> range.writes() == MappingCollector.Writes.NOTED_IN_SMALL)
          .mapToLong(MappingCollector.Range::lengthBytes).sum();
    }
    try (PageScan scan = new PageScan(pages.task())) {
      for (PageScan.Run stretch : stretches(pages, order)) {
        long registered = userfault.register(stretch.start(), stretch.lengthBytes(), Uffd.REGISTER_MODE_WP);
        if (Errno.isError(registered)) {
          told.add("task " + pages.task() + ": " + stretch.lengthBytes() + " bytes at " + stretch.start()
              + " are not tracked: " + Errno.of(registered).meaning());
        } else {
          scan.protect(stretch.start(), stretch.lengthBytes());
          trackedBytes += stretch.lengthBytes();
        }
      }
    }
  }

  /// Huge pages stay: each has one bit.
  private void armBits(MappingCollector.PrivatePages pages, long start, Userfault userfault)
      throws SyscallException, ProcException {
    List<PageScan.Run> stretches = stretches(pages, TrackOrder.HUGE_TOO);
    Optional<String> refusal = armBits(proc, pages.task(), stretches, userfault, canaries -> held.add(
        new TrackingHolder.Held(pages.task(), start, pages.mm(), userfault, canaries)));
    if (refusal.isPresent()) {
      userfault.close();
      told.add("task " + pages.task() + " is not tracked: " + refusal.get());
    } else {
      trackedBytes += stretches.stream().mapToLong(PageScan.Run::lengthBytes).sum();
    }
  }

  /// Registers memory and has its bits cleared. What is registered with another's userfaultfd may be tracked by its bits
  /// too: then they stay as they are.
  ///
  /// @param armed is given the canaries @return why not
  static Optional<String> armBits(Proc proc, Tid task, List<PageScan.Run> stretches, Userfault userfault,
      Consumer<List<SoftDirty.Canary>> armed) throws SyscallException, ProcException {
    for (PageScan.Run stretch : stretches) {
      long registered = userfault.register(stretch.start(), stretch.lengthBytes(), Uffd.REGISTER_MODE_WP);
      if (Errno.isError(registered)) {
        return Optional.of(stretch.lengthBytes() + " bytes at " + stretch.start() + " cannot be registered: "
            + Errno.of(registered).meaning());
      }
    }
    SoftDirty.clear(task);
    List<SoftDirty.Canary> canaries = SoftDirty.of(proc, task).plant();
    if (canaries.isEmpty()) {
      return Optional.of("nothing in it would tell that somebody else has cleared its soft-dirty bits: it has no"
          + " relocated read-only page of a file");
    }
    armed.accept(canaries);
    return Optional.empty();
  }

  /// One that delays nobody: it notes writes, or is there to know memory again by.
  static Userfault fresh(FrozenGroup group, Noting noting) throws ErrandRefusedException, SyscallException {
    Userfault userfault = Userfaults.open(group, group.tasks().getFirst(), Uffd.USER_MODE_ONLY | O_NONBLOCK,
        Deadline.after(ERRAND_BOUND));
    try {
      userfault.agree(noting == Noting.MARKS ? Uffd.FEATURE_WP_ASYNC : 0);
      return userfault;
    } catch (SyscallException | RuntimeException | Error e) {
      userfault.close();
      throw e;
    }
  }

  /// Has a page store leave out what was not written.
  void spare(PageStore pages) throws ImageException {
    if (earlier.isPresent() && !unwritten.isEmpty()) {
      pages.keep(unwritten, earlier.get());
    }
  }

  /// The image counts: the tree is tracked since it.
  void committed(Optional<ImageIdentity> image) {
    if (held.isEmpty() || image.isEmpty()) {
      return;
    }
    try {
      next = Optional.of(TrackingHolder.start(root, rootStart, image.get(), held));
    } catch (SyscallException e) {
      told.add("the program is not tracked: " + e.getMessage());
    }
  }

  /// What the user should know.
  List<String> told() {
    var all = new ArrayList<>(told);
    if (hugeBytes > 0) {
      all.add(hugeBytes + " bytes lie in vmas with huge pages, which are read whole each time: tracking would break"
          + " the pages up (--track-huge)");
    }
    return all;
  }

  /// @return empty where nobody asked for tracking
  Optional<TrackReport> report(PageStore pages) {
    if (order == TrackOrder.OFF) {
      return Optional.empty();
    }
    boolean spared = earlier.isPresent() && !unwritten.isEmpty();
    return Optional.of(new TrackReport(spared ? holder.map(known -> known.state().parent().title()) : Optional.empty(),
        pages.comingBytes(), pages.sectionBytes() - pages.comingBytes(), trackedBytes, next));
  }

  @Override
  public void close() {
    held.forEach(one -> one.userfault().close());
    holder.ifPresent(TrackingHolder::close);
  }
}
