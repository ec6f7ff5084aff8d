package stasis.engine;

import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;
import stasis.image.ObjectId;
import stasis.image.PageMap;
import stasis.image.PageRuns;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.abi.Uffd;
import stasis.linux.sys.Userfault;
import stasis.procfs.Proc;
import stasis.procfs.ProcException;
import stasis.procfs.ProcTask;
import stasis.procfs.Smaps;
import stasis.repository.AheadPages;
import stasis.repository.EarlierPages;
import stasis.repository.ImageContent;
import stasis.repository.ImageException;
import stasis.repository.ImageFacts;
import stasis.repository.ImageWriter;
import stasis.resource.ObstructedException;
import stasis.tracee.Deadline;
import stasis.tracee.ErrandRefusedException;
import stasis.tracee.FaultPoints;
import stasis.tracee.FrozenGroup;
import stasis.tracee.FrozenTree;
import stasis.tracee.MemoryFile;
import stasis.tracee.Ptrace;

/// Copies the memory of a tree while it runs, in rounds: a short freeze in which it is asked what was written since the
/// round before and the memory is protected anew, then what was written is read from the running tree. What is written
/// meanwhile is read by the next round, or in the last freeze.
///
/// Memory is protected in a freeze only: a thread in the middle of a direct read(2) has pages pinned that the device
/// writes past any mark.
final class PreCopy implements AutoCloseable {
  private static final Duration BOUND = Duration.ofSeconds(10);
  private static final long FEW_BYTES = 4 << 20;
  private static final String AIO = "/[aio]";

  private final Ptrace ptrace;
  private final Proc proc;
  private final LongSupplier nowNs;
  private final ImageWriter writer;
  private final Optional<Timetable> timetable;
  private final List<Source> sources = new ArrayList<>();
  private final List<PreCopyReport.Round> rounds = new ArrayList<>();
  private final List<String> told = new ArrayList<>();
  private final Map<ObjectId, Unwritten> unwritten = new HashMap<>();
  private Map<ObjectId, PageRuns> copied = Map.of();
  private final Map<ObjectId, List<SoftDirty.Canary>> canaries = new HashMap<>();
  private Noting noting = Noting.NOTHING;
  private Optional<EarlierPages> earlier = Optional.empty();
  private boolean converged;
  /// Where a freeze found it better not to copy again: what nobody had written by then.
  private Map<ObjectId, Intervals> unwrittenBefore = Map.of();
  private UntrackedBytes besides = new UntrackedBytes();

  /// One mm. @param body what it is called in the pages copied ahead
  private record Source(Tid task, long start, ObjectId body, Userfault userfault) {}

  /// What a freeze said of one. @param own all pages it has @param kept those that nobody wrote since the round before
  private record Asked(Source source, List<PageScan.Run> own, Intervals kept) {}

  /// @param timetable by which rounds are made, if one has to be kept
  PreCopy(Ptrace ptrace, Proc proc, LongSupplier nowNs, ImageWriter writer, Optional<Timetable> timetable) {
    this.timetable = timetable;
    this.ptrace = ptrace;
    this.proc = proc;
    this.nowNs = nowNs;
    this.writer = writer;
  }

  /// @param most rounds @param listener hears how far each is; what it throws ends all
  void run(Tid root, int most, Moment.Listener listener, Phases phases)
      throws SyscallException, ImageException, ObstructedException {
    noting = Noting.here();
    long before = Long.MAX_VALUE;
    for (int i = 0; i < most && !converged; i++) {
      long beganNs = nowNs.getAsLong();
      Optional<List<Asked>> asked = ask(root, phases, i + 1);
      if (asked.isEmpty()) {
        return;
      }
      long stoppedNs = nowNs.getAsLong() - beganNs;
      long readBytes;
      try (Round round = new Round(asked.get())) {
        round.prepare();
        if (timetable.isPresent() && timetable.get().asked(round.store.comingBytes(), besides.total(), stoppedNs)
            == Timetable.Next.FREEZE) {
          round.leave();
          return;
        }
        readBytes = copy(round, listener, phases, i + 1);
      }
      rounds.add(new PreCopyReport.Round(readBytes, stoppedNs, nowNs.getAsLong() - beganNs));
      converged = readBytes <= FEW_BYTES;
      if (!converged && timetable.isEmpty() && readBytes > before - before / 4) {
        told.add("copying ahead no longer converged: round " + (i + 1) + " had " + (readBytes >> 20) + " MiB to read,"
            + " the one before " + (before >> 20));
        return;
      }
      before = readBytes;
    }
  }

  /// @return empty where it must not be done
  private Optional<List<Asked>> ask(Tid root, Phases phases, int round) throws SyscallException {
    try (Phases.Stretch _ = phases.part("round " + round + " stopped")) {
      return ask(root);
    }
  }

  private Optional<List<Asked>> ask(Tid root) throws SyscallException {
    if (!(FrozenTree.freeze(ptrace, root, Deadline.after(BOUND), FaultPoints.NONE)
        instanceof FrozenTree.Outcome.Frozen(FrozenTree tree))) {
      return Optional.empty(); // the checkpoint itself will say why
    }
    besides = new UntrackedBytes();
    try (tree) {
      var asked = new ArrayList<Asked>();
      for (FrozenTree.Member member : tree.members()) {
        ProcTask task = proc.task(member.group().shown());
        Smaps smaps = task.smaps();
        Optional<String> pinned = pinned(task, smaps);
        if (pinned.isPresent()) {
          told.add("nothing was copied ahead: task " + task.tid() + " has " + pinned.get());
          earlier = Optional.empty();
          return Optional.empty();
        }
        besides.add(smaps);
        asked.addAll(ask(member.group(), smaps));
      }
      return Optional.of(asked);
    } catch (ProcException e) {
      return Optional.empty();
    }
  }

  private static Optional<String> pinned(ProcTask task, Smaps smaps) throws ProcException {
    if (smaps.entries().stream().anyMatch(entry -> entry.vma().name().startsWith(AIO))) {
      return Optional.of("a context for AIO, through which it may be written without a trace");
    }
    for (Fd fd : task.fds()) {
      Optional<String> misleading = WriteTracking.misleading(task.fdLink(fd).target().latin1());
      if (misleading.isPresent()) {
        return misleading;
      }
    }
    return Optional.empty();
  }

  /// Nothing where its memory cannot be protected: it is then read in the last freeze.
  private List<Asked> ask(FrozenGroup group, Smaps smaps) throws ProcException {
    try {
      Source source = source(group);
      if (noting == Noting.SOFT_DIRTY) {
        return askBits(source, smaps);
      }
      var own = new ArrayList<PageScan.Run>();
      var kept = new Intervals();
      try (PageScan scan = new PageScan(source.task())) {
        for (PageScan.Run stretch : stretches(smaps)) {
          scan.unwritten(stretch.start(), stretch.lengthBytes())
              .forEach(run -> kept.add(run.start().bits(), run.start().bits() + run.lengthBytes()));
          long registered = source.userfault().register(stretch.start(), stretch.lengthBytes(), Uffd.REGISTER_MODE_WP);
          if (!Errno.isError(registered)) {
            scan.protect(stretch.start(), stretch.lengthBytes());
            own.addAll(scan.ownPages(stretch.start(), stretch.lengthBytes()));
          }
        }
      }
      return List.of(new Asked(source, own, kept));
    } catch (ErrandRefusedException | SyscallException e) {
      return List.of();
    }
  }

  /// Bits are cleared for all of an mm: not where somebody else has it registered, and may have cleared them for himself.
  private List<Asked> askBits(Source source, Smaps smaps) throws ProcException, SyscallException {
    Tid task = source.task();
    boolean isFirst = !canaries.containsKey(source.body());
    List<SoftDirty.Canary> planted = canaries.getOrDefault(source.body(), List.of());
    if (!isFirst && planted.isEmpty()) {
      return List.of(); // told
    }
    var bits = new SoftDirty(task, smaps);
    List<PageScan.Run> stretches = stretches(smaps);
    Optional<String> refusal = isFirst && bits.isRegistered()
        ? Optional.of("it is registered with another's userfaultfd") : Optional.empty();
    if (refusal.isEmpty()) {
      Intervals kept = bits.stand(planted) ? bits.unwritten() : new Intervals();
      refusal = WriteTracking.armBits(proc, task, stretches, source.userfault(),
          fresh -> canaries.put(source.body(), fresh));
      if (refusal.isEmpty()) {
        var own = new ArrayList<PageScan.Run>();
        try (PageScan scan = new PageScan(task)) {
          for (PageScan.Run stretch : stretches) {
            own.addAll(scan.ownPages(stretch.start(), stretch.lengthBytes()));
          }
        }
        return List.of(new Asked(source, own, kept));
      }
    }
    canaries.put(source.body(), List.of());
    told.add("task " + task + " is not copied ahead: " + refusal.get());
    return List.of();
  }

  private Source source(FrozenGroup group) throws ProcException, ErrandRefusedException, SyscallException {
    Tid task = group.shown();
    long start = TrackingHolder.start(proc, task);
    Optional<Source> known = sources.stream().filter(one -> one.task().equals(task) && one.start() == start)
        .findFirst();
    if (known.isPresent()) {
      return known.get();
    }
    Source fresh = new Source(task, start, new ObjectId(sources.size() + 1), WriteTracking.fresh(group, noting));
    sources.add(fresh);
    return fresh;
  }

  private static List<PageScan.Run> stretches(Smaps smaps) {
    var stretches = new Intervals();
    for (Smaps.Entry entry : smaps.entries()) {
      if (MappingCollector.Writes.of(entry) == MappingCollector.Writes.NOTED) {
        stretches.add(entry.vma().start(), entry.vma().end());
      }
    }
    return stretches.runs();
  }

  private long copy(Round round, Moment.Listener listener, Phases phases, int number)
      throws SyscallException, ImageException, ObstructedException {
    try (Phases.Stretch _ = phases.part("round " + number + " copied")) {
      return round.copy(listener);
    }
  }

  /// What one freeze asked for.
  private final class Round implements AutoCloseable {
    private final List<Asked> asked;
    private final PageStore store = new PageStore();
    private final List<Running> memories = new ArrayList<>();

    Round(List<Asked> asked) {
      this.asked = asked;
    }

    void prepare() throws ImageException, SyscallException {
      Map<ObjectId, Unwritten> since = new HashMap<>();
      for (Asked one : asked) {
        ObjectId body = one.source().body();
        Running memory = new Running(new MemoryFile(one.source().task()));
        memories.add(memory);
        store.addRunning(body, one.own(), memory::read);
        Optional.ofNullable(copied.get(body)).ifPresent(runs -> since.put(body, new Unwritten(one.kept(), runs)));
      }
      if (earlier.isPresent()) {
        store.keep(since, earlier.get());
      }
    }

    /// @return how much was read
    long copy(Moment.Listener listener) throws SyscallException, ImageException, ObstructedException {
      timetable.ifPresent(Timetable::begin);
      Optional<AheadPages> ahead = writer.ahead(new ImageContent(Bytes.EMPTY, store.sectionBytes(), store.stretches(),
          store.kept(), ImageFacts.NONE));
      if (ahead.isPresent()) {
        try (AheadPages pages = ahead.get()) {
          store.copy(pages.pages(), () -> progress(pages.pages().position()), listener);
          earlier = Optional.of(pages.finish());
        }
      }
      timetable.ifPresent(table -> table.copied(store.comingBytes()));
      copied = new HashMap<>();
      for (PageMap map : store.maps()) {
        copied.put(map.body(), map.runs());
      }
      return store.comingBytes();
    }

    private void progress(long doneBytes) throws ObstructedException {
      if (timetable.isPresent()) {
        timetable.get().progress(doneBytes, store.comingBytes());
      }
    }

    @Override
    public void close() {
      memories.forEach(memory -> memory.file().close());
    }

    /// Nothing is copied: what was written by now is read in the last freeze.
    void leave() {
      unwrittenBefore = new HashMap<>();
      asked.forEach(one -> unwrittenBefore.put(one.source().body(), one.kept()));
      copied.keySet().retainAll(unwrittenBefore.keySet());
    }
  }

  /// Memory of a task that goes on. A page that is gone meanwhile reads as zeros: it has no mark any more, so it is
  /// read again if it comes back.
  private record Running(MemoryFile file) {
    private static final long PAGE = 4096;

    void read(long start, MemorySegment into) {
      if (tried(start, into)) {
        return;
      }
      for (long at = 0; at < into.byteSize(); at += PAGE) {
        MemorySegment page = into.asSlice(at, Math.min(PAGE, into.byteSize() - at));
        if (!tried(start + at, page)) {
          page.fill((byte) 0);
        }
      }
    }

    private boolean tried(long start, MemorySegment into) {
      try {
        file.read(new RemoteAddress(start), into);
        return true;
      } catch (SyscallException e) {
        return false;
      }
    }
  }

  /// In the last freeze: asks once more.
  void pass(Collected.Complete collected) throws SyscallException {
    if (earlier.isEmpty() || WriteTracking.misleading(collected.files()).isPresent()) {
      earlier = Optional.empty();
      return;
    }
    for (MappingCollector.PrivatePages pages : collected.pages()) {
      Optional<PageRuns> runs = body(pages).map(copied::get);
      if (runs.isPresent() && pages.watched()) {
        Optional<Intervals> now = now(pages);
        if (now.isEmpty()) {
          told.add("task " + pages.task() + " was read again: somebody else has cleared its soft-dirty bits");
          continue;
        }
        Optional<Intervals> then = body(pages).map(unwrittenBefore::get);
        unwritten.put(pages.mm(), new Unwritten(then.isPresent() ? now.get().and(then.get()) : now.get(), runs.get()));
      }
    }
  }

  private Optional<Intervals> now(MappingCollector.PrivatePages pages) throws SyscallException {
    List<SoftDirty.Canary> planted = body(pages).map(canaries::get).orElse(List.of());
    return noting == Noting.SOFT_DIRTY ? WriteTracking.notDirtied(proc, pages.task(), planted)
        : Optional.of(WriteTracking.marked(pages));
  }

  private Optional<ObjectId> body(MappingCollector.PrivatePages pages) {
    try {
      long start = TrackingHolder.start(proc, pages.task());
      return sources.stream().filter(one -> one.task().equals(pages.task()) && one.start() == start)
          .map(Source::body).findFirst();
    } catch (ProcException e) {
      return Optional.empty();
    }
  }

  /// Has a page store leave out what was copied and not written since.
  void spare(PageStore pages) throws ImageException {
    if (earlier.isPresent()) {
      pages.keep(unwritten, earlier.get());
    }
  }

  List<String> told() {
    return List.copyOf(told);
  }

  PreCopyReport report(PageStore pages) {
    return new PreCopyReport(rounds, converged, pages.comingBytes());
  }

  /// The kernel lets go of the memory.
  @Override
  public void close() {
    sources.forEach(source -> source.userfault().close());
  }
}
