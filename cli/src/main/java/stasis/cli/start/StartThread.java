package stasis.cli.start;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Set;
import stasis.cli.start.StartRegisters.Name;
import stasis.image.DecodeException;
import stasis.image.Fields;
import stasis.image.ObjectId;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SparseBytes;
import stasis.linux.peer.OwnProcess;

/// One thread of the resting engine: what it calls for itself, and the signal frame it goes on from
/// (arch/x86/include/asm/sigframe.h, `struct rt_sigframe`; rt_sigreturn(2)).
final class StartThread {
  private static final int UCONTEXT_BYTES = 304;
  private static final int MASK_OFFSET = 296;
  private static final int FRAME_POINTER_TO_FPSTATE = 224;
  /// UC_FP_XSTATE, UC_SIGCONTEXT_SS, UC_STRICT_RESTORE_SS (arch/x86/include/uapi/asm/ucontext.h).
  private static final long FLAGS = 7;
  private static final int SOFTWARE_BYTES = 464;
  private static final int XSTATE_BV = 512;
  /// FP_XSTATE_MAGIC1 and FP_XSTATE_MAGIC2 (arch/x86/include/uapi/asm/sigcontext.h).
  private static final int MAGIC1 = 0x46505853;
  private static final int MAGIC2 = 0x46505845;
  private static final int SYSCALL_BYTES = 2;
  private static final long COMPILERS_WAIT_NS = 400_000_000;
  private static final int RESTART_SYSCALL = 219;
  private static final int PR_SET_NAME = 15;
  private static final int ARCH_PRCTL = 158;
  private static final int ARCH_SET_FS = 0x1002;
  private static final Set<Long> RESTARTED = Set.of(-512L, -513L, -514L, -516L);

  private final StartImage image;
  private final ObjectId task;
  private final Fields cpu;
  private final StartRegisters registers;

  StartThread(StartImage image, ObjectId task) throws DecodeException, UnfitException {
    this.image = image;
    this.task = task;
    cpu = image.of(task, "core.cpu");
    Bytes critical = cpu.bytes("rseqCs");
    if (!critical.isEmpty() && critical.u64(0) != 0) {
      throw new UnfitException(task + " is in a critical section of rseq");
    }
    registers = going(new StartRegisters(cpu.bytes("general")), cpu);
  }

  boolean rests() {
    return registers.get(Name.ORIG_RAX) == OwnProcess.REST;
  }

  long threadPointer() {
    return registers.get(Name.FS_BASE);
  }

  long tidAddress() throws DecodeException, UnfitException {
    long address = image.of(task, "task.tidaddress").number("clearChildTid");
    if (address == 0) {
      throw new UnfitException(task + " has no place for its tid");
    }
    return address;
  }

  /// A call that was interrupted is made again: a time that was relative then begins anew.
  private static StartRegisters going(StartRegisters stopped, Fields cpu) throws UnfitException {
    if (stopped.get(Name.ORIG_RAX) == OwnProcess.REST) {
      return stopped.with(Name.RAX, 0);
    }
    if (stopped.get(Name.ORIG_RAX) < 0 || !RESTARTED.contains(stopped.get(Name.RAX))) {
      return stopped;
    }
    long number = stopped.get(Name.ORIG_RAX) != RESTART_SYSCALL ? stopped.get(Name.ORIG_RAX)
        : cpu.record("sleep").map(sleep -> sleep.number("nr")).orElse(0L);
    if (number == 0 || number == RESTART_SYSCALL) {
      throw new UnfitException("a wait of which nothing is known");
    }
    return stopped.with(Name.RAX, number).with(Name.RIP, stopped.get(Name.RIP) - SYSCALL_BYTES);
  }

  /// What a thread but the first calls.
  StartCalls calls(StartData data) throws DecodeException, UnfitException {
    StartCalls calls = new StartCalls();
    own(calls, data);
    if (image.of(task, "task.comm").bytes("name").latin1().contains("CompilerThre")) {
      calls.attempt(Nr.NANOSLEEP, StartCalls.value(data.put(Bytes.ofU64(0, COMPILERS_WAIT_NS), 8)),
          StartCalls.value(0));
    }
    return calls;
  }

  /// What the first calls, which is there already.
  void first(StartCalls calls, StartData data) throws DecodeException, UnfitException {
    calls.call(ARCH_PRCTL, StartCalls.value(ARCH_SET_FS), StartCalls.value(threadPointer()));
    StartCalls.Operand.Result tid = calls.call(Nr.SET_TID_ADDRESS, StartCalls.value(tidAddress()));
    calls.move(StartCalls.value(tidAddress()), new StartCalls.Operand.Where(tid.index()), Integer.BYTES);
    own(calls, data);
  }

  private void own(StartCalls calls, StartData data) throws DecodeException {
    image.maybe(task, "task.rseq").filter(rseq -> rseq.number("area") != 0).ifPresent(rseq -> calls.attempt(Nr.RSEQ,
        StartCalls.value(rseq.number("area")), StartCalls.value(rseq.number("sizeBytes")), StartCalls.value(0),
        StartCalls.value(rseq.number("signature"))));
    image.maybe(task, "task.robustlist").filter(list -> list.number("head") != 0).ifPresent(
        list -> calls.attempt(Nr.SET_ROBUST_LIST, StartCalls.value(list.number("head")),
            StartCalls.value(list.number("lengthBytes"))));
    image.maybe(task, "task.comm").ifPresent(comm -> calls.attempt(Nr.PRCTL, StartCalls.value(PR_SET_NAME),
        StartCalls.value(data.put(comm.bytes("name").concat(Bytes.zeros(1)), 1))));
  }

  /// @return where its ucontext lies, which is what rsp must be
  long frame(StartData data) throws DecodeException, UnfitException {
    long extended = data.put(extended(), 64);
    ByteBuffer frame = ByteBuffer.allocate(UCONTEXT_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    Fields altstack = image.of(task, "task.altstack");
    frame.putLong(FLAGS).putLong(0).putLong(altstack.number("base")).putLong(altstack.number("flags"))
        .putLong(altstack.number("sizeBytes"));
    for (Name name : new Name[] {Name.R8, Name.R9, Name.R10, Name.R11, Name.R12, Name.R13, Name.R14, Name.R15, Name.RDI,
        Name.RSI, Name.RBP, Name.RBX, Name.RDX, Name.RAX, Name.RCX, Name.RSP, Name.RIP, Name.EFLAGS}) {
      frame.putLong(registers.get(name));
    }
    frame.putShort((short) registers.get(Name.CS)).putShort((short) 0).putShort((short) 0)
        .putShort((short) registers.get(Name.SS));
    frame.putLong(FRAME_POINTER_TO_FPSTATE, extended);
    frame.putLong(MASK_OFFSET, cpu.number("mask"));
    return data.put(Bytes.of(frame.clear()), 16);
  }

  /// As the kernel writes it onto a stack (arch/x86/kernel/fpu/signal.c, `save_sw_bytes()`).
  private Bytes extended() {
    Bytes area = new SparseBytes(cpu.bytes("packed")).whole();
    ByteBuffer frame = ByteBuffer.allocate(area.length() + Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    frame.put(area.buffer());
    long features = area.u64(SOFTWARE_BYTES);
    frame.putInt(area.length(), MAGIC2);
    frame.position(SOFTWARE_BYTES);
    frame.put(new byte[XSTATE_BV - SOFTWARE_BYTES]);
    frame.position(SOFTWARE_BYTES);
    frame.putInt(MAGIC1).putInt(frame.capacity()).putLong(features).putInt(area.length());
    return Bytes.of(frame.clear());
  }
}
