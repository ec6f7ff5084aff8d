package stasis.engine;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.bpf.HiddenGroup;
import stasis.linux.bpf.HiddenState;
import stasis.linux.bpf.KernelAio;
import stasis.linux.bpf.KernelFaults;
import stasis.linux.bpf.KernelMessage;
import stasis.linux.bpf.KernelNotice;
import stasis.linux.bpf.KernelQueues;
import stasis.linux.bpf.KernelRing;
import stasis.linux.bpf.KernelSocket;
import stasis.linux.bpf.KernelTerminal;
import stasis.linux.bpf.KernelVma;
import stasis.linux.bpf.KernelWatch;
import stasis.linux.sys.Self;
import stasis.procfs.ProcException;
import stasis.procfs.ProcTask;
import stasis.procfs.Smaps;
import stasis.tracee.Ptrace;
import stasis.tracee.stub.Stub;

/// The kernel's own fields, made readable once per operation and outside of any freeze, with what had to be learnt on a
/// private stub to understand them. Only what few programs need is made readable when it is asked for, see [#queues].
final class HiddenKernel implements AutoCloseable {
  private static final RemoteAddress HOLE = new RemoteAddress(0x20000000L);
  private static final long HOLE_BYTES = 1 << 20;
  private static final Path PSEUDOTERMINALS = Path.of("/proc/sys/kernel/pty/nr");

  private final HiddenState.Opened opened;
  private final LearntBits bits;
  private final LearntFlags flags;
  private Optional<KernelQueues> queues = Optional.empty();
  private boolean queuesTried;

  private HiddenKernel(HiddenState.Opened opened, LearntBits bits, LearntFlags flags) {
    this.opened = opened;
    this.bits = bits;
    this.flags = flags;
  }

  static HiddenKernel open(Ptrace ptrace) throws SyscallException {
    HiddenState.Opened opened = HiddenState.open();
    if (!(opened instanceof HiddenState.Opened.Ready(var state))) {
      return new HiddenKernel(opened, LearntBits.NONE, new LearntFlags());
    }
    warm(state);
    try (Stub stub = Stub.spawn(ptrace, HOLE, HOLE_BYTES, List.of())) {
      return new HiddenKernel(opened, LearntBits.of(stub, state), new LearntFlags());
    } catch (SyscallException e) {
      state.close();
      throw e;
    }
  }

  /// As this one was, which may be closed by now: what was learnt of the running kernel is not learnt again.
  HiddenKernel again() {
    if (!(opened instanceof HiddenState.Opened.Ready(var before))) {
      return new HiddenKernel(opened, bits, flags);
    }
    HiddenState.Opened now = before.again();
    if (now instanceof HiddenState.Opened.Ready(var state)) {
      warm(state);
    }
    return new HiddenKernel(now, bits, flags);
  }

  /// Loads and runs once what reads vmas, sockets, and terminals where there are any: not within a freeze.
  private static void warm(HiddenState state) {
    Tid self = Self.pid();
    try {
      state.vmas(self);
    } catch (SyscallException e) {
      // Then smaps is read.
    }
    try {
      state.sockets(self);
      if (hasTerminals()) {
        state.terminal(self, 0);
      }
    } catch (SyscallException e) {
      // Each socket or terminal then says what is not known of it.
    }
  }

  private static boolean hasTerminals() {
    try {
      return !Files.readString(PSEUDOTERMINALS, StandardCharsets.ISO_8859_1).startsWith("0");
    } catch (IOException e) {
      return false;
    }
  }

  /// @return empty where BPF is not allowed, or the group is gone
  Optional<HiddenGroup> read(Tid leader) throws SyscallException {
    return opened instanceof HiddenState.Opened.Ready(var state) ? state.read(leader) : Optional.empty();
  }

  /// Internet sockets that a thread has open, by inode number; none where BPF is not allowed.
  Map<Long, KernelSocket> sockets(Tid tid) throws SyscallException {
    return opened instanceof HiddenState.Opened.Ready(var state) ? state.sockets(tid) : Map.of();
  }

  /// What a checkpoint has to know of the vmas of a task that stands still: without the vsyscall page.
  ///
  /// @param proc of that task @param hugeToo whether it is to be told which of them have huge pages
  List<VmaFacts> vmas(ProcTask proc, boolean hugeToo) throws ProcException {
    Optional<List<KernelVma>> words = words(proc.tid());
    Optional<List<VmaFacts>> known = words.isEmpty() || hugeToo ? Optional.empty()
        : flags.describe(proc.maps(), words.get());
    if (known.isPresent()) {
      return known.get();
    }
    Smaps smaps = proc.smaps();
    Map<Long, KernelVma> byStart = LearntFlags.byStart(words.orElse(List.of()));
    // Somebody outside may share the mm, and change it: that is refused, but later.
    if (words.isPresent() && words.equals(words(proc.tid()))) {
      flags.learn(smaps, words.get());
    }
    return smaps.entries().stream().filter(entry -> !entry.vma().name().equals(MappingCollector.VSYSCALL))
        .map(entry -> VmaFacts.of(entry, Optional.ofNullable(byStart.get(entry.vma().start())))).toList();
  }

  private Optional<List<KernelVma>> words(Tid task) {
    try {
      return opened instanceof HiddenState.Opened.Ready(var state) ? Optional.of(state.vmas(task)) : Optional.empty();
    } catch (SyscallException e) {
      return Optional.empty(); // this kernel has no such iterator (Linux 5.11)
    }
  }

  /// The pseudoterminal of this number, whose master the thread has open.
  Optional<KernelTerminal> terminal(Tid tid, int number) throws SyscallException {
    return opened instanceof HiddenState.Opened.Ready(var state) ? state.terminal(tid, number) : Optional.empty();
  }

  /// What reads queues of sockets, made when first asked for, in the freeze then (20 ms cold, 4 ms warm): few have
  /// anything in them that no call shows, and every other checkpoint would pay for it. Empty where
  /// BPF is not allowed, or this kernel keeps them in another way.
  Optional<KernelQueues> queues() {
    if (!queuesTried && opened instanceof HiddenState.Opened.Ready(var state)) {
      queuesTried = true;
      try {
        queues = Optional.of(state.queues(Self.pid()));
      } catch (SyscallException e) {
        queues = Optional.empty();
      }
    }
    return queues;
  }

  /// The contexts for asynchronous I/O of a task's mm; empty where BPF is not allowed.
  Optional<List<KernelAio>> aio(Tid task) throws SyscallException {
    return opened instanceof HiddenState.Opened.Ready(var state) ? Optional.of(state.aio(task)) : Optional.empty();
  }

  /// An io_uring that a thread has open; empty where BPF is not allowed.
  ///
  /// @param others its descriptors that may be registered with it
  /// @param users leaders of those who may have requests on their way
  Optional<KernelRing> ring(Tid holder, int fd, List<Integer> others, List<Tid> users) throws SyscallException {
    return opened instanceof HiddenState.Opened.Ready(var state) ? state.ring(holder, fd, others, users)
        : Optional.empty();
  }

  /// A userfaultfd that a thread has open; empty where BPF is not allowed.
  ///
  /// @param watched whose memory it may watch
  Optional<KernelFaults> faults(Tid holder, int fd, Tid watched) throws SyscallException {
    return opened instanceof HiddenState.Opened.Ready(var state) ? state.faults(holder, fd, watched)
        : Optional.empty();
  }

  /// How a POSIX message queue that a thread has open tells of messages; empty where BPF is not allowed.
  Optional<KernelNotice> notice(Tid holder, int fd) throws SyscallException {
    return opened instanceof HiddenState.Opened.Ready(var state) ? state.notice(holder, fd) : Optional.empty();
  }

  /// What eventfd2(2) was given for an eventfd that a thread has open; empty where BPF is not allowed.
  Optional<Integer> eventfdFlags(Tid holder, int fd) throws SyscallException {
    return opened instanceof HiddenState.Opened.Ready(var state) ? state.eventfdFlags(holder, fd) : Optional.empty();
  }

  /// Signals asked for through these tasks' tables when something changes in a directory; empty where BPF is not allowed.
  Optional<List<KernelWatch>> watches(Tid holder, int fd, List<Tid> tasks) throws SyscallException {
    return opened instanceof HiddenState.Opened.Ready(var state) ? Optional.of(state.watches(holder, fd, tasks))
        : Optional.empty();
  }

  /// What waits in a POSIX message queue that a thread has open; empty where BPF is not allowed.
  Optional<List<KernelMessage>> messages(Tid holder, int fd) throws SyscallException {
    return opened instanceof HiddenState.Opened.Ready(var state) ? state.messages(holder, fd) : Optional.empty();
  }

  boolean isReadable() {
    return opened instanceof HiddenState.Opened.Ready;
  }

  LearntBits bits() {
    return bits;
  }

  /// What only some operations ask for; the next one may ask again.
  void forget() {
    queues.ifPresent(KernelQueues::close);
    queues = Optional.empty();
    queuesTried = false;
  }

  @Override
  public void close() {
    forget();
    if (opened instanceof HiddenState.Opened.Ready(var state)) {
      state.close();
    }
  }
}
