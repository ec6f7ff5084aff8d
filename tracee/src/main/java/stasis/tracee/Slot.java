package stasis.tracee;

import org.jspecify.annotations.Nullable;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SigSet;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;

/// 512 aligned bytes of otherwise unused executable memory in a task: first what its thread gets back, then the code
/// that gives it back ([ParachuteCode]).
///
/// @param start 512-byte aligned, so that any address inside tells where the slot begins
record Slot(RemoteAddress start) {
  static final int BYTES = 512;

  static final int MAGIC_AT = 0;
  static final int MASK = 8;
  static final int SCRATCH = 16;
  static final int SCRATCH_BYTES = 24;
  /// A `struct timespec`, in the words of the scratch mapping: who has one has no need of the other.
  static final int PAUSE = SCRATCH;
  static final int REGISTERS = 32;
  static final int RIP = 152;
  /// Offset in the slot of the instruction after rt_sigprocmask: for a later tracer, which may be of another version.
  static final int MASKED_AT = 160;
  /// Not 0: the group adopts orphans again before the thread goes home.
  static final int ADOPTS = 168;
  static final int CODE = 176;

  /// "STASIS" and the version of this layout.
  static final long MAGIC = 0x0001_5349_5341_5453L;

  /// In the order of `struct user_regs_struct`, which starts with these 15.
  private static final int REGISTER_COUNT = 15;

  enum State { CLEAN, USED, FOREIGN }

  static Slot around(RemoteAddress inside) {
    return new Slot(new RemoteAddress(inside.bits() & -BYTES));
  }

  /// Written out for the same reason as in [Tid].
  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Slot slot && start.equals(slot.start);
  }

  @Override
  public int hashCode() {
    return start.hashCode();
  }

  boolean contains(long address) {
    return Long.compareUnsigned(address - start.bits(), BYTES) < 0;
  }

  RemoteAddress at(int offset) {
    return start.plus(offset);
  }

  State state(RemoteMemory memory) throws SyscallException {
    Bytes content = memory.read(start, BYTES);
    if (content.equals(Bytes.zeros(BYTES))) {
      return State.CLEAN;
    }
    return content.u64(MAGIC_AT) == MAGIC ? State.USED : State.FOREIGN;
  }

  /// Whether a tracer has written here; false where nothing can be read.
  boolean used(RemoteMemory memory) {
    try {
      return memory.readU64(start) == MAGIC;
    } catch (SyscallException e) {
      return false;
    }
  }

  /// The whole slot.
  ///
  /// @param next the context the thread goes on with @param mask its signal mask in user mode
  static Bytes image(Registers next, SigSet mask, ParachuteCode code, long scratchBytes) {
    Bytes user = next.toBytes();
    Bytes head = Bytes.ofU64(MAGIC, mask.bits(), 0, scratchBytes).concat(user.slice(0, REGISTER_COUNT * 8))
        .concat(Bytes.ofU64(next.rip().bits(), code.masked(), 0)).concat(code.bytes());
    if (head.length() > BYTES) {
      throw new AssertionError("a slot of " + head.length() + " bytes");
    }
    return head.concat(Bytes.zeros(BYTES - head.length()));
  }

  /// Writes into it although the page is not writable to the task. Where /proc/PID/mem is kept from that, by ptrace.
  void write(Ptrace ptrace, Tid tid, int offset, Bytes content) throws SyscallException {
    try {
      new RemoteMemory(tid).writeForced(at(offset), content);
    } catch (SyscallException e) {
      if (e.errno() != Errno.EIO && e.errno() != Errno.EFAULT && e.errno() != Errno.EACCES
          && e.errno() != Errno.EPERM) {
        throw e;
      }
      for (int i = 0; i < content.length(); i += Long.BYTES) {
        ptrace.poke(tid, at(offset + i), content.u64(i));
      }
    }
  }

  /// Where a thread that is past rt_sigprocmask in this slot would go on: the rest of the slot done by hand.
  ///
  /// @param inside its registers, rip in the slot
  Registers landed(Registers inside, RemoteMemory memory) throws SyscallException {
    Bytes user = memory.read(at(REGISTERS), REGISTER_COUNT * 8).concat(inside.toBytes().slice(REGISTER_COUNT * 8,
        Registers.BYTES - REGISTER_COUNT * 8));
    return Registers.of(user).withOrigRax(-1).withRip(new RemoteAddress(memory.readU64(at(RIP))));
  }
}
