package stasis.tracee;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SigSet;
import stasis.linux.abi.SparseBytes;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;

/// ptrace(2) and wait4(2), typed, for the one thread that created it: its buffers are confined, so that another thread
/// gets WrongThreadException instead of the kernel's ESRCH.
///
/// The buffers live, touched and (where RLIMIT_MEMLOCK allows) locked, as long as the thread. PTRACE_SETREGS copies
/// word by word (arch/x86/kernel/ptrace.c, `genregs_set()`): a fatal signal in the middle of a page fault on the source
/// would leave the tracee with half of one register file and half of another.
public final class Ptrace implements AutoCloseable {
  public static final int PTRACE_O_TRACESYSGOOD = 1;
  public static final int PTRACE_O_TRACEFORK = 1 << 1;
  public static final int PTRACE_O_TRACEVFORK = 1 << 2;
  public static final int PTRACE_O_TRACECLONE = 1 << 3;
  public static final int PTRACE_O_TRACEEXEC = 1 << 4;
  public static final int PTRACE_O_TRACEVFORKDONE = 1 << 5;
  public static final int PTRACE_O_TRACEEXIT = 1 << 6;
  public static final int PTRACE_O_EXITKILL = 1 << 20;
  public static final int PTRACE_O_SUSPEND_SECCOMP = 1 << 21;
  public static final int PTRACE_EVENT_FORK = 1;
  public static final int PTRACE_EVENT_VFORK = 2;
  public static final int PTRACE_EVENT_CLONE = 3;
  public static final int PTRACE_EVENT_EXIT = 6;

  /// Which queue of pending signals.
  public enum Queue { PRIVATE, SHARED }

  /// `siginfo_t`, on every 64-bit architecture.
  public static final int SIGINFO_BYTES = 128;

  private static final int CONT = 7;
  private static final int SINGLESTEP = 9;
  private static final int GETREGS = 12;
  private static final int SETREGS = 13;
  private static final int POKEDATA = 5;
  private static final int DETACH = 17;
  private static final int SYSCALL = 24;
  private static final int SETOPTIONS = 0x4200;
  private static final int GETEVENTMSG = 0x4201;
  private static final int GETSIGINFO = 0x4202;
  private static final int GETREGSET = 0x4204;
  private static final int SETREGSET = 0x4205;
  private static final int SEIZE = 0x4206;
  private static final int INTERRUPT = 0x4207;
  private static final int LISTEN = 0x4208;
  private static final int PEEKSIGINFO = 0x4209;
  private static final int GETSIGMASK = 0x420a;
  private static final int SETSIGMASK = 0x420b;
  private static final int SECCOMP_GET_FILTER = 0x420c;
  private static final int GET_SYSCALL_INFO = 0x420e;
  private static final int SECCOMP_GET_METADATA = 0x420d;
  private static final int SECCOMP_METADATA_BYTES = 16;
  private static final int GET_RSEQ_CONFIGURATION = 0x420f;
  private static final int GET_SYSCALL_USER_DISPATCH_CONFIG = 0x4211;

  private static final int NT_X86_XSTATE = 0x202;

  /// One page for the small structs (registers at 0, iovec at 1024, others from 1088), then room
  /// for the largest xsave area: AMX needs 11,008 bytes.
  private static final int PAGE = 4096;
  private static final int XSAVE_CAPACITY = SparseBytes.MAX_BYTES;
  private static final int PEEKED = 16;
  private static final int SI_CODE = 8;

  private final Arena arena = Arena.ofConfined();
  private final MemorySegment small = arena.allocate(PAGE + XSAVE_CAPACITY, PAGE);
  private final MemorySegment registers = small.asSlice(0, Registers.BYTES);
  private final MemorySegment iovec = small.asSlice(1024, 16);
  private final MemorySegment struct = small.asSlice(1088, 2048 + 512);
  private final MemorySegment large = small.asSlice(PAGE, XSAVE_CAPACITY);

  private final ByteBuffer area = large.asByteBuffer();
  /// How long this kernel's xsave area is; 0 until one was read.
  private int xsaveBytes;

  private final StopWaiter waiter = new StopWaiter();

  /// Tracees to be let go once they stop.
  private final List<Tid> stragglers = new ArrayList<>();

  public Ptrace() {
    small.fill((byte) 0);
    // EPERM or ENOMEM (RLIMIT_MEMLOCK) leaves the pages touched: only swapping can still make them fault.
    Syscalls.call(Nr.MLOCK, small.address(), small.byteSize());
  }

  /// Attaches without stopping. EPERM: traced by another, not permitted, or already dead.
  ///
  /// @param options PTRACE_O_* or'ed; PTRACE_O_TRACESYSGOOD is always added, as [Stop#decode] needs it
  public void seize(Tid tid, int options) throws SyscallException {
    require("seize", SEIZE, tid, 0, options | PTRACE_O_TRACESYSGOOD);
    waiter.know(tid);
  }

  /// Asks a running tracee to stop with PTRACE_EVENT_STOP. Any other stop that comes first may swallow it
  /// (kernel/signal.c, `ptrace_stop()` clears JOBCTL_TRAP_STOP).
  public void interrupt(Tid tid) throws SyscallException {
    require("interrupt", INTERRUPT, tid, 0, 0);
  }

  /// @param signal delivered on the way, 0 for none
  public void cont(Tid tid, int signal) throws SyscallException {
    require("continue", CONT, tid, 0, signal);
  }

  /// Continues up to the next syscall entry or exit.
  public void syscall(Tid tid, int signal) throws SyscallException {
    require("continue to the next syscall stop", SYSCALL, tid, 0, signal);
  }

  public void singleStep(Tid tid, int signal) throws SyscallException {
    require("single-step", SINGLESTEP, tid, 0, signal);
  }

  /// Leaves a group-stopped tracee stopped, as SIGSTOP wants it, but ready to report SIGCONT.
  public void listen(Tid tid) throws SyscallException {
    require("listen", LISTEN, tid, 0, 0);
  }

  /// Only a stopped tracee can be let go; ESRCH otherwise. A group stop is taken up again (kernel/ptrace.c,
  /// `__ptrace_unlink()`).
  public void detach(Tid tid, int signal) throws SyscallException {
    require("detach", DETACH, tid, 0, signal);
    waiter.forget(tid);
  }

  /// @param options all of them, PTRACE_O_TRACESYSGOOD is always added
  public void setOptions(Tid tid, int options) throws SyscallException {
    require("set ptrace options of", SETOPTIONS, tid, 0, options | PTRACE_O_TRACESYSGOOD);
  }

  /// What an event stop has to tell: the child's tid after a fork, vfork or clone event.
  public long eventMessage(Tid tid) throws SyscallException {
    require("read the event message of", GETEVENTMSG, tid, 0, struct.address());
    return struct.get(JAVA_LONG, 0);
  }

  /// The child for which a tracee stopped at a fork, vfork or clone event: it is a tracee as well. If its parent was
  /// killed before it could tell, the child is ended.
  public Tid newborn(Tid parent) throws SyscallException {
    return waiter.know(Newborns.of(this, waiter, parent));
  }

  /// Which syscall stop a tracee is in, without its registers.
  public SyscallInfo syscallInfo(Tid tid) throws SyscallException {
    require("read the syscall stop of", GET_SYSCALL_INFO, tid, SyscallInfo.BYTES, struct.address());
    return SyscallInfo.parse(copy(struct.asSlice(0, SyscallInfo.BYTES)));
  }

  public Registers registers(Tid tid) throws SyscallException {
    require("read the registers of", GETREGS, tid, 0, registers.address());
    return Registers.of(copy(registers));
  }

  /// Whether a tracee is stopped, no SIGKILL is on its way to it (kernel/ptrace.c, ptrace_freeze_traced()), and it is
  /// not about to exit (PTRACE_O_TRACEEXIT).
  public boolean stands(Tid tid) {
    try {
      require("read the registers of", GETREGS, tid, 0, registers.address());
      require("read the siginfo of", GETSIGINFO, tid, 0, struct.address());
      return struct.get(JAVA_INT, SI_CODE) >> 8 != PTRACE_EVENT_EXIT;
    } catch (SyscallException e) {
      return false;
    }
  }

  public void setRegisters(Tid tid, Registers values) throws SyscallException {
    fill(registers, values.toBytes());
    require("set the registers of", SETREGS, tid, 0, registers.address());
  }

  /// The xsave area (NT_X86_XSTATE) in the standard format, as long as this CPU's largest.
  public SparseBytes xsave(Tid tid) throws SyscallException {
    return SparseBytes.of(area.slice(0, readXsave(tid)).order(ByteOrder.LITTLE_ENDIAN));
  }

  /// @return how long it is
  private int readXsave(Tid tid) throws SyscallException {
    iovec.set(JAVA_LONG, 0, large.address());
    iovec.set(JAVA_LONG, 8, XSAVE_CAPACITY);
    require("read the xsave area of", GETREGSET, tid, NT_X86_XSTATE, iovec.address());
    return (int) iovec.get(JAVA_LONG, 8);
  }

  /// EINVAL: the area is of another CPU, or holds AMX tiles for a task that may not use, or never used, them.
  ///
  /// The kernel wants the whole of its own area (arch/x86/kernel/fpu/regset.c, `xstateregs_set()`: EFAULT): one of a CPU
  /// with less ends in zeros, which its header says are not in use.
  public void setXsave(Tid tid, SparseBytes extended) throws SyscallException {
    if (xsaveBytes == 0) {
      xsaveBytes = readXsave(tid);
    }
    int length = Math.max(xsaveBytes, extended.length());
    extended.copyTo(area.slice(0, length));
    iovec.set(JAVA_LONG, 0, large.address());
    iovec.set(JAVA_LONG, 8, length);
    require("set the xsave area of", SETREGSET, tid, NT_X86_XSTATE, iovec.address());
  }

  /// The mask the task will have back in user mode: inside ppoll, pselect, epoll_pwait and sigsuspend this is not the
  /// one in force (kernel/ptrace.c, PTRACE_GETSIGMASK looks at the saved mask first).
  public SigSet signalMask(Tid tid) throws SyscallException {
    require("read the signal mask of", GETSIGMASK, tid, SigSet.BYTES, struct.address());
    return new SigSet(struct.get(JAVA_LONG, 0));
  }

  /// Also forgets a mask saved by ppoll and its like.
  public void setSignalMask(Tid tid, SigSet mask) throws SyscallException {
    struct.set(JAVA_LONG, 0, mask.bits());
    require("set the signal mask of", SETSIGMASK, tid, SigSet.BYTES, struct.address());
  }

  /// `siginfo_t` of the signal a tracee stopped for.
  public Bytes siginfo(Tid tid) throws SyscallException {
    require("read the siginfo of", GETSIGINFO, tid, 0, struct.address());
    return copy(struct.asSlice(0, SIGINFO_BYTES));
  }

  /// All pending signals of one queue in its order, as `siginfo_t`; nothing is taken off.
  public List<Bytes> pending(Tid tid, Queue queue) throws SyscallException {
    var all = new ArrayList<Bytes>();
    MemorySegment found = struct.asSlice(64, (long) PEEKED * SIGINFO_BYTES);
    for (int got = PEEKED; got == PEEKED;) {
      struct.set(JAVA_LONG, 0, all.size());
      struct.set(JAVA_INT, 8, queue == Queue.SHARED ? 1 : 0);
      struct.set(JAVA_INT, 12, PEEKED);
      got = (int) require("read the pending signals of", PEEKSIGINFO, tid, struct.address(), found.address());
      for (int i = 0; i < got; i++) {
        all.add(copy(found.asSlice((long) i * SIGINFO_BYTES, SIGINFO_BYTES)));
      }
    }
    return List.copyOf(all);
  }

  /// @return empty where the kernel was built without rseq
  public Optional<RseqConfiguration> rseq(Tid tid) throws SyscallException {
    if (!unlessUnknown("read the rseq configuration of", GET_RSEQ_CONFIGURATION, tid, 24)) {
      return Optional.empty();
    }
    return Optional.of(new RseqConfiguration(new RemoteAddress(struct.get(JAVA_LONG, 0)), struct.get(JAVA_INT, 8),
        struct.get(JAVA_INT, 12)));
  }

  /// @return empty where the kernel has no syscall user dispatch
  public Optional<SyscallUserDispatch> syscallUserDispatch(Tid tid) throws SyscallException {
    if (!unlessUnknown("read the syscall user dispatch of", GET_SYSCALL_USER_DISPATCH_CONFIG, tid, 32)) {
      return Optional.empty();
    }
    return Optional.of(new SyscallUserDispatch((int) struct.get(JAVA_LONG, 0),
        new RemoteAddress(struct.get(JAVA_LONG, 8)), new RemoteAddress(struct.get(JAVA_LONG, 16)),
        struct.get(JAVA_LONG, 24)));
  }

  /// One seccomp filter, as `struct sock_filter` records of 8 bytes. Index 0 is the one installed first
  /// (kernel/seccomp.c, `get_nth_filter()`).
  /// EACCES: needs CAP_SYS_ADMIN and no filter on ourselves.
  ///
  /// @return empty past the last filter
  public Optional<Bytes> seccompFilter(Tid tid, int index) throws SyscallException {
    long count = ptrace(SECCOMP_GET_FILTER, tid, index, large.address());
    if (count == -Errno.ENOENT.number()) {
      return Optional.empty();
    }
    return Optional.of(copy(large.asSlice(0, 8 * checked("read seccomp filter " + index + " of", tid, count))));
  }

  /// How that filter was installed: SECCOMP_FILTER_FLAG_LOG (2) or nothing; the kernel shows no other flag.
  public long seccompFilterFlags(Tid tid, int index) throws SyscallException {
    struct.set(JAVA_LONG, 0, index);
    require("read the flags of seccomp filter " + index + " of", SECCOMP_GET_METADATA, tid, SECCOMP_METADATA_BYTES,
        struct.address());
    return struct.get(JAVA_LONG, 8);
  }

  /// Writes one word even where the tracee itself may not (FOLL_FORCE), if the mapping is private.
  public void poke(Tid tid, RemoteAddress at, long word) throws SyscallException {
    require("write at " + at + " in", POKEDATA, tid, at.bits(), word);
  }

  /// The next stop of one tracee, if there is one by now. ECHILD: not, or no longer, our tracee.
  public Optional<Stop> poll(Tid tid) throws SyscallException {
    return waiter.poll(tid);
  }

  /// Waits for the next stop of one tracee: wait4(2), which knows no timeout, with one.
  ///
  /// @return empty when the deadline passed first
  public Optional<Stop> await(Tid tid, Deadline deadline) throws SyscallException {
    return waiter.await(tid, deadline);
  }

  /// Waits until some tracee of this thread has a stop to be polled.
  ///
  /// @return which; empty when the deadline passed first, and now and then without reason
  public Optional<Tid> awaitAny(Deadline deadline) {
    return waiter.awaitAny(deadline);
  }

  /// Lets a tracee go in whatever state it is: now, or, one that runs, as soon as it stops; the tracer thread tries
  /// that every millisecond. A signal it stops for meanwhile is passed on.
  public void release(Tid tid) {
    try {
      detach(tid, 0);
    } catch (SyscallException e) {
      if (!released(tid)) {
        ptrace(INTERRUPT, tid, 0, 0);
        stragglers.add(tid);
      }
    }
  }

  boolean hasStragglers() {
    return !stragglers.isEmpty();
  }

  void releaseStragglers() {
    stragglers.removeIf(this::released);
  }

  /// Only a stop that was seen may be detached from: detaching from an unseen one would drop its signal.
  ///
  /// @return whether the task is no longer our tracee
  private boolean released(Tid tid) {
    try {
      Optional<Stop> stop = poll(tid);
      if (stop.isPresent() && !stop.get().isFinal()) {
        detach(tid, stop.get() instanceof Stop.SignalDelivery delivery ? delivery.signal() : 0);
      }
      return stop.isPresent();
    } catch (SyscallException e) {
      return e.nr() == Nr.WAIT4 || !stillTraced(tid);
    }
  }

  private static boolean stillTraced(Tid tid) {
    return TaskStatus.of(tid).flatMap(TaskStatus::tracer).isPresent();
  }

  @Override
  public void close() {
    waiter.close();
    arena.close();
  }

  /// For requests younger than some kernels we run on: EIO means that ptrace(2) does not know the number.
  private boolean unlessUnknown(String attempt, int request, Tid tid, int sizeBytes) throws SyscallException {
    long result = ptrace(request, tid, sizeBytes, struct.address());
    if (result == -Errno.EIO.number()) {
      return false;
    }
    checked(attempt, tid, result);
    return true;
  }

  private long require(String attempt, int request, Tid tid, long address, long data) throws SyscallException {
    return checked(attempt, tid, ptrace(request, tid, address, data));
  }

  private long ptrace(int request, Tid tid, long address, long data) {
    if (!arena.scope().isAlive()) {
      throw new IllegalStateException("the tracer thread has ended");
    }
    return Syscalls.call(Nr.PTRACE, request, tid.value(), address, data);
  }

  private static long checked(String attempt, Tid tid, long result) throws SyscallException {
    if (Errno.isError(result)) {
      throw new SyscallException(Nr.PTRACE, Errno.of(result), attempt + " task " + tid);
    }
    return result;
  }

  private static Bytes copy(MemorySegment segment) {
    return Bytes.of(segment.toArray(JAVA_BYTE));
  }

  private static void fill(MemorySegment segment, Bytes content) {
    MemorySegment.copy(content.toArray(), 0, segment, JAVA_BYTE, 0, content.length());
  }
}
