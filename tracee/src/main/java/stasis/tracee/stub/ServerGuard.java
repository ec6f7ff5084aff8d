package stasis.tracee.stub;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;

/// A process that shares our table of descriptors (CLONE_FILES) and does nothing until we are gone, however that came
/// about: then it kills the processes it was told of, and holds every descriptor we had until they are dead. So a
/// userfaultfd never closes before its program has ended, not even one that came with an event a moment before our own
/// end: a page that is missing is waited for, and never reads as zeros.
///
/// It is a copy of ours that runs [StubCode]'s runner and never Java, lets go of our memory first, has every signal
/// blocked and a session of its own. Only SIGKILL ends it; then we still hold what it held.
public final class ServerGuard implements AutoCloseable {
  /// Behind the stub's code, in the same page: rbx and r12 from the two words its argument points to, r14 to what
  /// follows, which is exit_group(0); then the runner.
  private static final Bytes ENTRY = Bytes.hex("488b1f4c8b67084c8d3505000000e9e2fdffff31ffb8e70000000f05");
  private static final int ENTRY_AT = 0x240;

  /// Places in the shared file, behind the code's page: first of the list to run, and how many; how long to stay; no
  /// time at all; what the guard is started with; and two places for lists, used in turn.
  private static final long LIST_AT = 4096;
  private static final long STAY_AT = LIST_AT + 16;
  private static final long NO_TIME_AT = LIST_AT + 32;
  private static final long BEGIN_AT = LIST_AT + 48;
  private static final long PRELUDE_AT = LIST_AT + 4096;
  private static final long PRELUDE_BYTES = 56 << 10;
  private static final long LISTS_AT = 64 << 10;
  private static final long LIST_BYTES = 4L << 20;
  private static final long SHARED_BYTES = LISTS_AT + 2 * LIST_BYTES;

  private static final byte OP_CHAIN = 3;
  private static final short FIRST_TWO_FROM_MEMORY = 5;
  private static final short THIRD_FROM_MEMORY = 1 << 4;

  /// Its comm.
  public static final String NAME = "stasis-guard";
  private static final int CLONE_FILES_SIGCHLD = 0x400 | 17;
  private static final int STACK_BYTES = 16 << 10;
  private static final int PROT_RX = 5;
  private static final int PROT_RW = 3;
  private static final int MAP_SHARED = 1;
  private static final long TASK_SIZE_X86_64 = 0x7ffffffff000L;
  private static final long ARCH_PRCTL_X86_64 = 158;
  private static final int ARCH_GET_FS = 0x1003;
  private static final int SIG_SETMASK = 2;
  private static final int SIGKILL = 9;
  private static final int POLLIN = 1;
  /// All but those that a fault of our own thread makes: SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV.
  private static final long NOT_FAULTS = ~(1L << 3 | 1L << 4 | 1L << 6 | 1L << 7 | 1L << 10);

  private final Tid pid;
  private final SharedFile shared;
  private final long code;
  /// A pidfd of this process.
  private final Fd us;
  private int next;
  private boolean closed;

  private ServerGuard(Tid pid, SharedFile shared, long code, Fd us) {
    this.pid = pid;
    this.shared = shared;
    this.code = code;
    this.us = us;
  }

  /// Starts one that has nobody to kill yet.
  public static ServerGuard start() throws SyscallException {
    SharedFile file = SharedFile.create(new RemoteAddress(0), SHARED_BYTES);
    try {
      long memory = map(file, PROT_RW, SHARED_BYTES);
      SharedFile shared = new SharedFile(file.fd(), new RemoteAddress(memory), SHARED_BYTES);
      try (Arena call = Arena.ofConfined()) {
        shared.write(shared.at(0), call.allocateFrom(JAVA_BYTE, StubCode.plain().toArray()));
        shared.write(shared.at(ENTRY_AT), call.allocateFrom(JAVA_BYTE, ENTRY.toArray()));
        long code = map(file, PROT_RX, LIST_AT);
        shared.writeU64(shared.at(STAY_AT), shared.at(NO_TIME_AT).bits());
        Fd us = new Fd((int) Syscalls.require("open a pidfd of our own", Nr.PIDFD_OPEN, Syscalls.call(Nr.GETPID), 0));
        try {
          writePrelude(shared, us, List.of(new Range(memory, SHARED_BYTES), new Range(code, LIST_AT),
              threadArea(call)));
          return new ServerGuard(cloned(call, code, shared.at(BEGIN_AT)), shared, code, us);
        } catch (SyscallException e) {
          Syscalls.call(Nr.CLOSE, us.value());
          throw e;
        }
      }
    } catch (SyscallException e) {
      file.close();
      throw e;
    }
  }

  private static long map(SharedFile file, int prot, long lengthBytes) throws SyscallException {
    return Syscalls.require("map what is shared with a guard", Nr.MMAP, 0, lengthBytes, prot, MAP_SHARED,
        file.fd().value(), 0);
  }

  /// Signals wait meanwhile: none may be handled by a copy of us.
  private static Tid cloned(Arena call, long code, RemoteAddress begin) throws SyscallException {
    MemorySegment masks = call.allocateFrom(JAVA_LONG, NOT_FAULTS, 0);
    MemorySegment stack = call.allocate(STACK_BYTES, 16);
    Syscalls.require("block signals", Nr.RT_SIGPROCMASK, SIG_SETMASK, masks.address(), masks.address() + 8, 8);
    try {
      int pid = Syscalls.cloneInto(code + ENTRY_AT, stack.address() + STACK_BYTES, CLONE_FILES_SIGCHLD, begin.bits());
      if (pid < 0) {
        throw new SyscallException(Nr.CLONE, Errno.EAGAIN, "start a guard",
            "may this user start one more process, and is there memory for a copy of this one?");
      }
      return new Tid(pid);
    } finally {
      Syscalls.call(Nr.RT_SIGPROCMASK, SIG_SETMASK, masks.address() + 8, 0, 8);
    }
  }

  private record Range(long start, long lengthBytes) {
    long end() {
      return start + lengthBytes;
    }
  }

  /// Of this thread: glibc keeps its rseq area there, which the kernel writes whenever the guard is scheduled.
  private static Range threadArea(Arena call) throws SyscallException {
    MemorySegment at = call.allocate(8, 8);
    long got = Syscalls.callNumber(ARCH_PRCTL_X86_64, ARCH_GET_FS, at.address());
    if (Errno.isError(got)) {
      throw new SyscallException(Nr.PRCTL, Errno.of(got), "find our thread's own memory");
    }
    long fs = at.get(JAVA_LONG, 0);
    try {
      for (String line : Files.readAllLines(Path.of("/proc/self/maps"), StandardCharsets.ISO_8859_1)) {
        long start = Long.parseUnsignedLong(line.substring(0, line.indexOf('-')), 16);
        long end = Long.parseUnsignedLong(line.substring(line.indexOf('-') + 1, line.indexOf(' ')), 16);
        if (start <= fs && fs < end) {
          return new Range(start, end - start);
        }
      }
    } catch (IOException e) {
      throw new SyscallException(Nr.OPENAT, Errno.EIO, "read our own maps");
    }
    throw new SyscallException(Nr.OPENAT, Errno.ESRCH, "find our thread's own memory");
  }

  /// Away from our signals, session and memory; then wait for our end, and go on with the list there is by then.
  private static void writePrelude(SharedFile shared, Fd us, List<Range> kept) throws SyscallException {
    var batch = new Batch();
    batch.call(Nr.RT_SIGPROCMASK, Expect.ANY, Operand.imm(SIG_SETMASK), batch.data(Bytes.ofU64(-1)).address(),
        Operand.imm(0), Operand.imm(8));
    batch.call(Nr.SETSID, Expect.ANY);
    batch.call(Nr.PRCTL, Expect.ANY, Operand.imm(Stub.PR_SET_NAME), batch.data(Bytes.cString(NAME)).address());
    long from = 0;
    for (Range range : kept.stream().sorted(Comparator.comparingLong(Range::start)).toList()) {
      if (range.start() > from) {
        batch.call(Nr.MUNMAP, Expect.ANY, Operand.imm(from), Operand.imm(range.start() - from));
      }
      from = range.end();
    }
    batch.call(Nr.MUNMAP, Expect.ANY, Operand.imm(from), Operand.imm(TASK_SIZE_X86_64 - from));
    addWait(batch, us);
    RemoteAddress first = write(shared, shared.at(PRELUDE_AT), PRELUDE_BYTES, batch, chain -> {
      chain.set(JAVA_BYTE, 4, OP_CHAIN);
      chain.set(JAVA_SHORT, 6, FIRST_TWO_FROM_MEMORY);
      chain.set(JAVA_LONG, 8, shared.at(LIST_AT).bits());
      chain.set(JAVA_LONG, 16, shared.at(LIST_AT).bits() + 8);
    });
    shared.writeU64(shared.at(BEGIN_AT), first.bits(), batch.size() + 1L);
  }

  private static void addWait(Batch batch, Fd pidfd) {
    Slot poll = batch.exchange(Bytes.ofU32(pidfd.value(), POLLIN));
    batch.call(Nr.PPOLL, Expect.ANY, poll.address(), Operand.imm(1), Operand.imm(0), Operand.imm(0));
  }

  @FunctionalInterface
  private interface Last {
    void write(MemorySegment descriptor);
  }

  /// Writes a batch with one more descriptor behind it. @return its first
  private static RemoteAddress write(SharedFile shared, RemoteAddress at, long areaBytes, Batch batch, Last last)
      throws SyscallException {
    Part part = Part.plan(batch, 0, at, areaBytes - StubCode.DESCRIPTOR_BYTES);
    if (part.to() != batch.size()) {
      throw new SyscallException(Nr.PWRITE64, Errno.ENOSPC, "leave " + batch.size() + " calls to a guard");
    }
    try (Arena call = Arena.ofConfined()) {
      MemorySegment image = call.allocate(part.lengthBytes() + StubCode.DESCRIPTOR_BYTES, 8);
      part.encode(image.asSlice(0, part.lengthBytes()), new Progress(batch));
      last.write(image.asSlice(part.lengthBytes()));
      shared.write(at, image);
    }
    return part.descriptors();
  }

  public Tid pid() {
    return pid;
  }

  /// Whom to kill from now on when we are gone, in the place of all before.
  ///
  /// @param pidfds of ours, which stay open
  public synchronized void watch(List<Fd> pidfds) throws SyscallException {
    var batch = new Batch();
    for (Fd process : pidfds) {
      batch.call(Nr.PIDFD_SEND_SIGNAL, Expect.ANY, Operand.imm(process.value()), Operand.imm(SIGKILL), Operand.imm(0),
          Operand.imm(0));
    }
    pidfds.forEach(process -> addWait(batch, process));
    RemoteAddress first = write(shared, shared.at(LISTS_AT + next * LIST_BYTES), LIST_BYTES, batch, poll -> {
      poll.set(JAVA_INT, 0, Nr.PPOLL.on(Syscalls.HOST));
      poll.set(JAVA_SHORT, 6, THIRD_FROM_MEMORY);
      poll.set(JAVA_LONG, 24, shared.at(STAY_AT).bits());
    });
    next = 1 - next;
    shared.writeU64(shared.at(LIST_AT), first.bits(), batch.size() + 1L);
  }

  /// Whether it is to hold our descriptors for good, because there may be processes it was not told of.
  public void stay(boolean forGood) throws SyscallException {
    shared.writeU64(shared.at(STAY_AT), forGood ? 0 : shared.at(NO_TIME_AT).bits());
  }

  /// Ends it; nobody is killed.
  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      Syscalls.call(Nr.KILL, pid.value(), SIGKILL);
      while (Syscalls.call(Nr.WAIT4, pid.value(), 0, 0, 0) == -Errno.EINTR.number()) {
        // it is being reaped
      }
      Syscalls.call(Nr.MUNMAP, shared.base().bits(), shared.lengthBytes());
      Syscalls.call(Nr.MUNMAP, code, LIST_AT);
      Syscalls.call(Nr.CLOSE, us.value());
      shared.close();
    }
  }
}
