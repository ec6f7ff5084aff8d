package stasis.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.function.LongSupplier;
import stasis.image.ObjectId;
import stasis.image.PageRun;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.procfs.Proc;
import stasis.procfs.ProcException;
import stasis.procfs.Vma;
import stasis.repository.ImageException;
import stasis.resource.Arg;
import stasis.resource.CpuState;
import stasis.resource.Program;
import stasis.resource.Step;
import stasis.tracee.Deadline;
import stasis.tracee.Ptrace;
import stasis.tracee.stub.BatchRun;
import stasis.tracee.stub.Expect;
import stasis.tracee.stub.Operand;
import stasis.tracee.stub.PidTakenException;
import stasis.tracee.stub.Outcome;
import stasis.tracee.stub.Slot;
import stasis.tracee.stub.Stub;

/// Runs a program in stubs. Consecutive calls of one task are one batch. Every task dies with the tracer until released;
/// a step that fails ends them all. On the tracer thread.
final class Executor {
  private static final Duration STEP_BOUND = Duration.ofMinutes(30);
  private static final long SEGMENT_BYTES = 1L << 30;
  private static final long ARCH_PRCTL_X86_64 = 158;
  private static final long ARCH_MAP_VDSO_64 = 0x2003;
  private static final int FORCED_CHUNK_BYTES = 1 << 20;
  private static final String VSYSCALL = "[vsyscall]";

  private final Ptrace ptrace;
  private final Proc proc;
  private final ImageSource image;
  private final Moment.Listener listener;
  private final LongSupplier monotonicNs;
  private final Births births;
  private final Nursery nursery;
  private final Values values = new Values();
  private final Map<Integer, Set<Integer>> kept = new HashMap<>();
  private final SequencedMap<ObjectId, Stub> stubs = new LinkedHashMap<>();
  private final SequencedMap<ObjectId, CpuState> cpus = new LinkedHashMap<>();
  /// Of threads that are no leaders.
  private final Map<ObjectId, ObjectId> leaders = new HashMap<>();
  private final LargeFills largeFills;
  private final Optional<LateFills> lateFills;
  private final Crowding crowding;
  private int imageFd;
  private boolean crowded;

  /// @param lateFills those that need not be made now
  Executor(Ptrace ptrace, Proc proc, LargeFills largeFills, Births births, Moment.Listener listener,
      LongSupplier monotonicNs, Optional<LateFills> lateFills) {
    this.lateFills = lateFills;
    this.monotonicNs = monotonicNs;
    this.ptrace = ptrace;
    this.proc = proc;
    this.image = largeFills.image();
    this.largeFills = largeFills;
    this.births = births;
    this.nursery = new Nursery(births);
    this.crowding = new Crowding(proc);
    this.listener = listener;
  }

  /// @return the tree, every task stopped with all its state, not yet released
  RestoredTree execute(Program program) throws StepFailedException, SyscallException, ImageException, ProcException {
    try {
      List<Step> steps = program.steps();
      crowded = steps.stream().anyMatch(Step.MapWhereFree.class::isInstance);
      keepOutputs(steps);
      for (int at = 0; at < steps.size();) {
        int from = at;
        long began = monotonicNs.getAsLong();
        at = run(steps, from);
        int to = at;
        long tookNs = monotonicNs.getAsLong() - began;
        listener.at(new Moment.Calls(() -> CallLines.of(steps, from, to, values, this::tid, tookNs)));
      }
      listener.at(new Moment.BeforeRelease());
      return new RestoredTree(ptrace, proc, births, stubs, cpus, steps);
    } catch (StepFailedException | SyscallException | ImageException | ProcException | RuntimeException | Error e) {
      try {
        Stub.closeAll(stubs.values());
        births.close();
      } catch (SyscallException f) {
        e.addSuppressed(f);
      }
      throw e;
    }
  }

  /// Which buffers must be read back.
  private void keepOutputs(List<Step> steps) {
    for (Step step : steps) {
      if (step instanceof Step.Call call) {
        call.args().forEach(this::keepOutputs);
      }
    }
  }

  private void keepOutputs(Arg arg) {
    if (arg instanceof Arg.Output(var of, int argument, int _, int _)) {
      kept.computeIfAbsent(of.step(), _ -> new HashSet<>()).add(argument);
    } else if (arg instanceof Arg.Struct(_, var patches)) {
      patches.forEach(patch -> keepOutputs(patch.value()));
    }
  }

  /// Runs the step at `at` and those that go with it. @return the first step not yet run
  private int run(List<Step> steps, int at)
      throws StepFailedException, SyscallException, ImageException, ProcException {
    Step step = steps.get(at);
    listener.at(new Moment.At("restore.step"));
    switch (step) {
      case Step.Spawn spawn when spawn.birth() instanceof Step.Birth.Thread -> {
        return spawnThreads(steps, at);
      }
      case Step.Spawn spawn -> spawn(spawn);
      case Step.TakeOver over -> takeOver(over);
      case Step.Poke poke -> stub(poke.in()).memory().writeForced(poke.at(), poke.bytes());
      case Step.Fill fill when fill.forced() -> force(fill);
      case Step.Fill fill when isOurs(fill) -> fill(fill, stub(fill.in()));
      case Step.MapWhereFree map -> crowding.map(map, stub(map.in()));
      case Step.Repeat repeat -> crowding.repeat(repeat, stub(repeat.in()));
      case Step.Release release -> cpus.put(release.in(), release.cpu());
      case Step.Stop stop -> Endings.stop(ptrace, stub(stop.in()), stop.signal());
      case Step.End end -> Endings.end(ptrace, takeOut(end.in()), end);
      case Step.Call _, Step.MapVdso _, Step.Fill _, Step.FillFile _ -> {
        return runBatch(steps, at);
      }
    }
    return at + 1;
  }

  /// Whether the engine makes this fill, and not the stub.
  private boolean isOurs(Step.Fill fill) {
    return lateFills.isPresent() && lateFills.get().takes(fill) || largeFills.takes(fill);
  }

  private void fill(Step.Fill fill, Stub stub) throws SyscallException, ImageException, StepFailedException {
    if (lateFills.isEmpty() || !lateFills.get().takes(fill) || !lateFills.get().run(fill, stub)) {
      largeFills.run(fill, stub);
    }
  }

  private String tid(ObjectId task) {
    return stubs.containsKey(task) ? stub(task).tid().toString() : task.toString();
  }

  private int runBatch(List<Step> steps, int from) throws StepFailedException, SyscallException {
    int together = runTogether(steps, from);
    return together > from ? together : runAlone(steps, from);
  }

  /// @return the first step not yet run; `from` where the calls there are to be made alone
  private int runTogether(List<Step> steps, int from) throws StepFailedException, SyscallException {
    record Run(Stub stub, CallBatch calls, BatchRun under) {}
    var together = new Together(steps, from, leaders);
    var runs = new ArrayList<Run>();
    int at = from;
    for (int end = together.take(at); end > at; end = together.take(at)) {
      CallBatch calls = new CallBatch(values);
      for (int i = at; i < end; i++) {
        addToBatch(calls, steps.get(i), i);
      }
      Stub stub = stub(steps.get(at).in());
      runs.add(new Run(stub, calls, stub.start(calls.batch(), stub.region().share(runs.size(), Together.THREADS))));
      at = end;
    }
    for (Run run : runs) {
      finish(run.stub(), run.calls(), run.under().await(Deadline.after(STEP_BOUND)));
    }
    return at;
  }

  private int runAlone(List<Step> steps, int from) throws StepFailedException, SyscallException {
    ObjectId in = steps.get(from).in();
    CallBatch calls = new CallBatch(values);
    int at = from;
    for (; at < steps.size() && steps.get(at).in().equals(in); at++) {
      if (!addToBatch(calls, steps.get(at), at)) {
        break;
      }
    }
    if (steps.subList(from, at).stream().anyMatch(Executor::isSeccomp)) {
      // All, because a filter may be for all threads. What is left to do must not be for the filters to judge.
      for (Stub stub : stubs.values()) {
        stub.suspendSeccomp();
      }
    }
    if (!calls.isEmpty()) {
      finish(stub(in), calls);
    }
    return at;
  }

  private static boolean isSeccomp(Step step) {
    return step instanceof Step.Call call && call.nr() == Nr.SECCOMP;
  }

  private boolean addToBatch(CallBatch calls, Step step, int index) {
    switch (step) {
      case Step.Call call -> calls.add(index, call, kept.getOrDefault(index, Set.of()));
      case Step.MapVdso vdso -> calls.batch().callNumber(ARCH_PRCTL_X86_64, Expect.SUCCESS,
          Operand.imm(ARCH_MAP_VDSO_64), Operand.imm(vdso.at().bits()));
      case Step.Fill fill when !fill.forced() && !isOurs(fill) -> fill(calls, fill);
      case Step.FillFile fill -> fillFile(calls, fill);
      case Step.Fill _, Step.Poke _, Step.Spawn _, Step.TakeOver _, Step.Release _, Step.Stop _, Step.End _,
          Step.MapWhereFree _, Step.Repeat _ -> {
        return false;
      }
    }
    return true;
  }

  private void finish(Stub stub, CallBatch calls) throws StepFailedException, SyscallException {
    finish(stub, calls, stub.run(calls.batch(), Deadline.after(STEP_BOUND)));
  }

  private static void finish(Stub stub, CallBatch calls, Outcome outcome) throws StepFailedException {
    switch (outcome) {
      case Outcome.Completed(var results, _) -> calls.finish(results);
      case Outcome.Stopped(int index, long result, _, _) -> throw calls.failure(index, result);
      case Outcome.Faulted faulted -> throw new StepFailedException("task " + stub.tid() + " took signal "
          + faulted.stop().signal() + " in entry " + faulted.index() + " of its batch");
      case Outcome.Late late -> throw new StepFailedException("entry " + late.index() + " of the batch of task "
          + stub.tid() + " did not end in " + STEP_BOUND.toMinutes() + " minutes");
      case Outcome.Died(var last, _) -> throw new StepFailedException("task " + stub.tid() + " died: " + last);
    }
  }

  private interface Piece {
    void at(PageRun run, long offset, long lengthBytes);
  }

  private void pieces(ObjectId body, long from, long lengthBytes, Piece piece) {
    image.runs(body).ifPresent(runs -> runs.each(from, from + lengthBytes, run -> {
      long end = Math.min(run.end(), from + lengthBytes);
      for (long at = Math.max(run.start(), from); at < end; at += SEGMENT_BYTES) {
        piece.at(run, at, Math.min(SEGMENT_BYTES, end - at));
      }
    }));
  }

  private long fileOffset(PageRun run, long offset) {
    return image.reader().pageOffset() + run.sectionOffset() + offset - run.start();
  }

  private void fill(CallBatch calls, Step.Fill fill) {
    pieces(fill.body(), fill.fromOffset(), fill.lengthBytes(), (run, offset, length) ->
        calls.add("fill memory at 0x" + Long.toHexString(fill.to().bits() + offset - fill.fromOffset()),
            Expect.exactly(length), Nr.PREAD64, Operand.imm(imageFd),
            Operand.imm(fill.to().bits() + offset - fill.fromOffset()), Operand.imm(length),
            Operand.imm(fileOffset(run, offset))));
  }

  private void force(Step.Fill fill) throws SyscallException, ImageException {
    record Chunk(long sectionOffset, RemoteAddress to, long lengthBytes) {}
    var chunks = new ArrayList<Chunk>();
    pieces(fill.body(), fill.fromOffset(), fill.lengthBytes(), (run, offset, length) -> {
      for (long done = 0; done < length; done += FORCED_CHUNK_BYTES) {
        chunks.add(new Chunk(run.sectionOffset() + offset - run.start() + done,
            fill.to().plus(offset - fill.fromOffset() + done), Math.min(FORCED_CHUNK_BYTES, length - done)));
      }
    });
    try (Arena arena = Arena.ofConfined()) {
      for (Chunk chunk : chunks) {
        MemorySegment buffer = arena.allocate(chunk.lengthBytes(), 8);
        image.reader().readPages(chunk.sectionOffset(), buffer.asByteBuffer());
        stub(fill.in()).memory().writeForced(chunk.to(), Bytes.of(buffer.asByteBuffer()));
      }
    }
  }

  /// sendfile(2) writes at the file's position, so that is set first; whoever made the file sets it after.
  private void fillFile(CallBatch calls, Step.FillFile fill) {
    Operand file = calls.result(fill.file());
    pieces(fill.body(), 0, Long.MAX_VALUE, (run, offset, length) -> {
      calls.add("position of a file to fill", Expect.exactly(offset), Nr.LSEEK, file, Operand.imm(offset),
          Operand.imm(0));
      Slot from = calls.data(Bytes.ofU64(fileOffset(run, offset)));
      calls.add("fill a file at " + offset, Expect.exactly(length), Nr.SENDFILE, file, Operand.imm(imageFd),
          from.address(), Operand.imm(length));
    });
  }

  private void spawn(Step.Spawn spawn) throws SyscallException, StepFailedException, ProcException {
    switch (spawn.birth()) {
      case Step.Birth.Root(var pids, var region, int fd) -> {
        imageFd = fd;
        Path file = image.reader().pageFile();
        Stub root = birth(pids, region, file, fd);
        stubs.put(spawn.in(), root);
        unmapInherited(root);
      }
      case Step.Birth.Child child -> {
        stubs.put(spawn.in(), nursery.child(child, stub(child.parent()), root()));
        listener.at(new Moment.TasksBorn(stubs.size()));
      }
      case Step.Birth.Thread _ -> throw new AssertionError("threads are born in batches");
    }
  }

  private Stub birth(List<Integer> pids, RemoteAddress region, Path file, int fd) throws SyscallException,
      StepFailedException {
    try {
      return crowded ? Crowding.belowTheTop(() -> births.root(pids, region, Planner.REGION_BYTES, file, fd))
          : births.root(pids, region, Planner.REGION_BYTES, file, fd);
    } catch (PidTakenException e) {
      throw new StepFailedException(e);
    }
  }

  private Stub takeOut(ObjectId task) {
    Stub stub = stub(task);
    stubs.remove(task);
    return stub;
  }

  /// Whatever it has open stays so.
  private void takeOver(Step.TakeOver over) throws SyscallException, StepFailedException, ProcException {
    Stub stub = stub(over.in());
    KeptOpen open = KeptOpen.of(stub, proc);
    stub.become(over.program());
    unmapInherited(stub);
    open.closeOnExec();
  }

  /// The stub's own image, stack and vdso go; its region stays to the end.
  private void unmapInherited(Stub root) throws SyscallException, StepFailedException, ProcException {
    CallBatch calls = new CallBatch(values);
    for (Vma vma : proc.task(root.tid()).maps().vmas()) {
      boolean ours = vma.contains(root.region().code());
      if (!ours && !vma.name().equals(VSYSCALL)) {
        calls.add("unmap " + vma.name() + " of the stub", Expect.SUCCESS, Nr.MUNMAP, Operand.imm(vma.start()),
            Operand.imm(vma.lengthBytes()));
      }
    }
    finish(root, calls);
  }

  private int spawnThreads(List<Step> steps, int from) throws SyscallException, StepFailedException {
    ObjectId group = ((Step.Birth.Thread) ((Step.Spawn) steps.get(from)).birth()).leader();
    List<Step.Spawn> spawns = new ArrayList<>();
    int at = from;
    for (; at < steps.size() && steps.get(at) instanceof Step.Spawn spawn
        && spawn.birth() instanceof Step.Birth.Thread thread && thread.leader().equals(group); at++) {
      spawns.add(spawn);
      leaders.put(spawn.in(), group);
    }
    stubs.putAll(nursery.threads(stub(group), spawns, root()));
    listener.at(new Moment.TasksBorn(stubs.size()));
    return at;
  }

  private Stub root() {
    return stubs.firstEntry().getValue();
  }

  private Stub stub(ObjectId task) {
    return GroupPlan.require(stubs, task);
  }
}
