package stasis.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.stream.Stream;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SparseBytes;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.bpf.HiddenTask;
import stasis.linux.bpf.RestartBlock;
import stasis.linux.sys.Syscalls;
import stasis.procfs.ProcException;
import stasis.procfs.ProcTask;
import stasis.resource.Answer;
import stasis.resource.CpuState;
import stasis.resource.HiddenMm;
import stasis.resource.HiddenThread;
import stasis.resource.ObstructedException;
import stasis.resource.Question;
import stasis.resource.Rseq;
import stasis.resource.SeccompFilter;
import stasis.resource.UserDispatch;
import stasis.tracee.FrozenGroup;
import stasis.tracee.LiveTask;
import stasis.tracee.Ptrace;
import stasis.tracee.Registers;
import stasis.tracee.RseqConfiguration;
import stasis.tracee.Stop;
import stasis.tracee.SyscallUserDispatch;

/// A thread group held by ptrace. Registers are read as the stop left them; questions are answered by an errand.
final class LiveFrozen implements Frozen {
  private static final long NANOS = 1_000_000_000L;
  private static final long SECCOMP_FILTER_FLAG_LOG = 2;
  private static final int RSEQ_CS = 8;

  private final Ptrace ptrace;
  private final FrozenGroup group;
  private final LongSupplier monotonicNs;
  private final long frozenAtNs;
  private final Answerer answerer;
  private final Vmas vmas;
  private final List<Tid> threads;
  private final int stopSignal;
  private final Map<Tid, LiveTask> tasks = new HashMap<>();
  private Optional<Map<Tid, Bytes>> criticalSections = Optional.empty();

  /// Who tells of vmas.
  interface Vmas {
    List<VmaFacts> of(ProcTask proc) throws ProcException;
  }

  /// @param monotonicNs read at once: the moment of the freeze, from which what is left of a wait is counted
  LiveFrozen(Ptrace ptrace, FrozenGroup group, LongSupplier monotonicNs, Answerer answerer, Vmas vmas) {
    this.vmas = vmas;
    this.ptrace = ptrace;
    this.group = group;
    this.monotonicNs = monotonicNs;
    this.frozenAtNs = monotonicNs.getAsLong();
    this.answerer = answerer;
    group.tasks().forEach(task -> tasks.put(task.tid(), task));
    this.stopSignal = group.tasks().stream().map(LiveTask::stop).filter(Stop.GroupStop.class::isInstance)
        .map(stop -> ((Stop.GroupStop) stop).signal()).findFirst().orElse(0);
    this.threads = Stream.concat(Stream.of(group.shown()),
        group.tasks().stream().map(LiveTask::tid).filter(tid -> !tid.equals(group.shown()))).toList();
  }

  @Override
  public Tid leader() {
    return group.leader();
  }

  @Override
  public List<Tid> threads() {
    return threads;
  }

  @Override
  public int stopSignal() {
    return stopSignal;
  }

  @Override
  public Optional<Boolean> childSubreaper() {
    return answerer.childSubreaper();
  }

  @Override
  public List<VmaFacts> vmas(ProcTask proc) throws ProcException {
    return vmas.of(proc);
  }

  @Override
  public Optional<HiddenMm> hiddenMm() {
    return answerer.hiddenMm();
  }

  @Override
  public Optional<HiddenThread> hidden(Tid thread) {
    return answerer.hidden(thread);
  }

  @Override
  public CpuState cpu(Tid thread) throws ObstructedException {
    LiveTask task = GroupPlan.require(tasks, thread);
    if (!task.registers().is64Bit()) {
      throw new ObstructedException("task " + thread, "it runs 32-bit code", "run a 64-bit build of the program");
    }
    try {
      Optional<RemoteAddress> rseq = registered(thread).map(Rseq::area);
      Optional<Bytes> rseqCs = rseq.isEmpty() ? Optional.empty() : Optional.of(criticalSection(thread, rseq.get()));
      Optional<RestartBlock> block = RestartCalls.needsBlock(task.registers()) ? answerer.restartBlock(thread)
          : Optional.empty();
      Registers registers = RestartCalls.collected(task.registers(), block);
      SparseBytes extended = ptrace.xsave(thread);
      if ((Xstate.inUse(extended) & Xstate.TILES) != 0) {
        throw new ObstructedException("task " + thread, "it computes with AMX tiles, which need a permission that is not"
            + " restored yet", "let it release its tiles before the checkpoint");
      }
      return new CpuState(registers.toBytes(), extended, ptrace.signalMask(thread), rseq, rseqCs,
          sleep(thread, registers, block));
    } catch (SyscallException e) {
      throw new ObstructedException("task " + thread, e, "");
    }
  }

  /// Where the kernel's fields show none, it may keep them under another name.
  private Optional<Rseq> registered(Tid thread) throws SyscallException {
    Optional<Rseq> seen = seenRseq(thread);
    return seen.isPresent() ? seen : ptrace.rseq(thread).filter(RseqConfiguration::registered)
        .map(found -> new Rseq(found.area(), found.sizeBytes(), found.signature()));
  }

  private Optional<Rseq> seenRseq(Tid thread) {
    return answerer.seen(thread).flatMap(HiddenTask::rseq)
        .map(found -> new Rseq(found.area(), found.bytes(), found.signature()));
  }

  /// `rseq.rseq_cs`, read of all threads at once.
  private Bytes criticalSection(Tid thread, RemoteAddress area) throws SyscallException {
    if (criticalSections.isEmpty()) {
      criticalSections = Optional.of(criticalSections());
    }
    Bytes read = criticalSections.get().get(thread);
    return read != null ? read : group.memory().read(area.plus(RSEQ_CS), Long.BYTES);
  }

  private Map<Tid, Bytes> criticalSections() throws SyscallException {
    var of = new ArrayList<Tid>();
    var at = new ArrayList<RemoteAddress>();
    for (Tid thread : threads) {
      seenRseq(thread).ifPresent(rseq -> {
        of.add(thread);
        at.add(rseq.area().plus(RSEQ_CS));
      });
    }
    Map<Tid, Bytes> found = new HashMap<>();
    try (Arena call = Arena.ofConfined()) {
      MemorySegment into = call.allocate(Math.max(1, at.size()) * (long) Long.BYTES, Long.BYTES);
      // Up to the first that cannot be read; those behind it are read one by one.
      long read = at.isEmpty() ? 0
          : group.memory().gather(at, Collections.nCopies(at.size(), (long) Long.BYTES), into) / Long.BYTES;
      for (int i = 0; i < read; i++) {
        found.put(of.get(i), Bytes.ofU64(into.getAtIndex(ValueLayout.JAVA_LONG, i)));
      }
    }
    return found;
  }

  /// What was left of a timed wait: exactly, where the kernel's restart block can be read; else from when the thread
  /// last ran.
  private Optional<CpuState.Sleep> sleep(Tid thread, Registers registers, Optional<RestartBlock> block)
      throws SyscallException {
    if (!RestartCalls.needsBlock(registers)) {
      return Optional.empty();
    }
    int nr = RestartCalls.number(registers, block);
    Optional<Long> left = block.flatMap(RestartCalls::remainingNs);
    if (left.isPresent()) {
      long sinceFreezeNs = monotonicNs.getAsLong() - frozenAtNs;
      return Optional.of(new CpuState.Sleep(nr, Math.max(0, left.get() + sinceFreezeNs), true));
    }
    Optional<Long> total = totalNs(registers, nr);
    Optional<Long> since = answerer.asleepSinceNs(thread);
    return total.isEmpty() || since.isEmpty() ? Optional.empty() : Optional.of(new CpuState.Sleep(nr,
        Math.max(0, total.get() - (frozenAtNs - since.get())), false));
  }

  /// How long the call was asked to wait.
  private Optional<Long> totalNs(Registers registers, int nr) throws SyscallException {
    if (nr == RestartCalls.POLL_X86_64) {
      return Optional.of(registers.argument(2) * 1_000_000);
    }
    int argument = nr == Nr.NANOSLEEP.on(Syscalls.HOST) ? 0 : nr == Nr.CLOCK_NANOSLEEP.on(Syscalls.HOST) ? 2
        : nr == Nr.FUTEX.on(Syscalls.HOST) ? 3 : -1;
    if (argument < 0) {
      return Optional.empty();
    }
    Bytes time = group.memory().read(new RemoteAddress(registers.argument(argument)), 16);
    return Optional.of(time.u64(0) * NANOS + time.u64(8));
  }

  private interface Traced<T> {
    T get() throws SyscallException;
  }

  private static <T> T traced(Tid thread, Traced<T> question) throws ObstructedException {
    try {
      return question.get();
    } catch (SyscallException e) {
      throw new ObstructedException("task " + thread, e, "");
    }
  }

  @Override
  public List<Bytes> pending(Tid thread) throws ObstructedException {
    return traced(thread, () -> ptrace.pending(thread, Ptrace.Queue.PRIVATE));
  }

  @Override
  public List<Bytes> sharedPending() throws ObstructedException {
    return traced(leader(), () -> ptrace.pending(group.shown(), Ptrace.Queue.SHARED));
  }

  @Override
  public Optional<Rseq> rseq(Tid thread) throws ObstructedException {
    return traced(thread, () -> registered(thread));
  }

  @Override
  public List<SeccompFilter> seccompFilters(Tid thread, int count) throws ObstructedException {
    var filters = new ArrayList<SeccompFilter>();
    for (int i = 0; i < count; i++) {
      int index = i;
      Optional<Bytes> program = traced(thread, () -> ptrace.seccompFilter(thread, index));
      if (program.isPresent()) {
        long flags = traced(thread, () -> ptrace.seccompFilterFlags(thread, index));
        filters.add(new SeccompFilter(program.get(), (flags & SECCOMP_FILTER_FLAG_LOG) != 0));
      }
    }
    if (filters.size() != count) {
      throw new ObstructedException("task " + thread, "only " + filters.size() + " of its " + count
          + " seccomp filters can be read", "");
    }
    return filters;
  }

  @Override
  public Optional<UserDispatch> userDispatch(Tid thread) throws ObstructedException {
    Optional<HiddenTask.SyscallDispatch> seen = answerer.seen(thread).flatMap(HiddenTask::syscallDispatch);
    if (seen.isPresent() && !seen.get().on()) {
      return Optional.empty();
    }
    // Before Linux 6.4 ptrace does not tell.
    return seen.isPresent()
        ? seen.map(on -> new UserDispatch(on.selector(), on.offset(), on.bytes()))
        : traced(thread, () -> ptrace.syscallUserDispatch(thread)).filter(SyscallUserDispatch::on)
            .map(on -> new UserDispatch(on.selector(), on.exempt(), on.exemptBytes()));
  }

  @Override
  public List<Answer> ask(Tid thread, List<Question> questions) throws ObstructedException {
    return answerer.ask(thread, questions);
  }

}
