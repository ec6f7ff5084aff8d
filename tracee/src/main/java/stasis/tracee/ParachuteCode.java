package stasis.tracee;

import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import stasis.linux.abi.Bytes;

/// The code parachute for x86-64: what a live thread runs for us, each entry with its undo right behind it.
///
/// Made of mov, lea, jmp, jrcxz and syscall alone. None of them changes the flags (and a syscall gives rflags back), so
/// neither flags nor any xsave state need restoring; no stack is touched, so red zones, Go stacks and alternate stacks
/// do not matter. It never leaves by anything but a jump to where the thread was.
///
/// Offsets are from the start of the slot, whose data ([Slot]) lies in front of the code.
///
/// @param exit `syscall`, then exit_group(0): for children
/// @param fork `syscall` that makes a child; the child exits, the parent waits for it; where the slot says so makes its
///     group a child subreaper after a pause; then as `mask`
/// @param forkExit after the syscall of `fork` @param forkUndone after the wait, or what else was called there
/// @param slept after the pause @param adopt the `syscall` that makes it one @param adopted
///     after it
/// @param run the list of calls at rbx, then unmap the scratch mapping, then as `mask`
/// @param runExit after the one syscall instruction of `run` @param unmap unmap the scratch mapping, then as `mask`
/// @param map `syscall` that makes the scratch mapping; unmaps it again, then as `mask`
/// @param mapExit after the syscall of `map` @param unmapped after munmap, for `map` and `run` both
/// @param mask restore signal mask and registers, go on @param masked after rt_sigprocmask
record ParachuteCode(Bytes bytes, int exit, int exitExit, int fork, int forkExit, int forkUndone, int slept, int adopt,
    int adopted, int run, int runExit, int unmap, int map, int mapExit, int unmapped, int mask, int masked) {
  /// Byte offsets of one call in a list. `next` 0 ends it; `copy` is where the result is stored a second time.
  static final int CALL_BYTES = 80;
  static final int NEXT = 0;
  static final int NUMBER = 8;
  static final int ARGUMENTS = 16;
  static final int RESULT = 64;
  static final int COPY = 72;

  static final int MUNMAP = 11;
  static final int RT_SIGPROCMASK = 14;
  static final int PRCTL = 157;
  static final int PPOLL = 271;
  static final int PR_SET_CHILD_SUBREAPER = 36;
  static final int EXIT_GROUP = 231;
  static final int WAITID = 247;

  private static final int P_PID = 1;
  private static final int EINTR = 4;
  private static final int WEXITED_WALL = 0x40000004;
  private static final int SIG_SETMASK = 2;

  /// Hardware numbers of the registers in the order of `struct user_regs_struct`.
  private static final int[] HARDWARE = {15, 14, 13, 12, 5, 3, 11, 10, 9, 8, 0, 1, 2, 6, 7};
  private static final int RAX = 0;
  private static final int RCX = 1;
  private static final int RDX = 2;
  private static final int RBX = 3;
  private static final int RSI = 6;
  private static final int RDI = 7;
  private static final int R8 = 8;
  private static final int R10 = 10;
  private static final List<Integer> ARGUMENT_REGISTERS = List.of(RDI, RSI, RDX, R10, R8, 9);

  /// Of every syscall instruction.
  static final int SYSCALL_BYTES = 2;

  /// Position-independent, so the same in every slot.
  static final ParachuteCode CODE = new Assembler().all();

  /// Emits in the order of the addresses; a jump knows its target's address once that is emitted, so the few forward
  /// jumps are patched.
  private static final class Assembler {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final Map<Integer, Integer> patches = new TreeMap<>();

    ParachuteCode all() {
      int exit = here();
      syscall();
      int exitExit = here();
      set(RAX, EXIT_GROUP);
      set(RDI, 0);
      syscall();
      emit(0xeb, 0xfe); // exit_group does not return
      int fork = here();
      int forkExit = fork(exitExit);
      int forkUndone = awaitChild();
      load(RCX, Slot.ADOPTS);
      int overAdoption = jumpForwardIfNone();
      int slept = sleep();
      set(RDI, PR_SET_CHILD_SUBREAPER);
      set(RSI, 1);
      set(RAX, PRCTL);
      int adopt = here();
      syscall();
      int adopted = here();
      land(overAdoption);
      int toMask = jumpForward();
      int run = here();
      int runExit = runList();
      int unmap = here();
      load(RDI, Slot.SCRATCH);
      int toLength = jumpForward();
      int map = here();
      syscall();
      int mapExit = here();
      move(RAX, RDI);
      land(toLength);
      load(RSI, Slot.SCRATCH_BYTES);
      set(RAX, MUNMAP);
      syscall();
      int unmapped = here();
      land(toMask);
      int mask = here();
      int masked = goHome();
      return new ParachuteCode(Bytes.of(patched()), exit, exitExit, fork, forkExit, forkUndone, slept, adopt, adopted,
          run, runExit, unmap, map, mapExit, unmapped, mask, masked);
    }

    /// @return the offset after the call that forks
    private int fork(int child) {
      syscall();
      int forked = here();
      move(RAX, RCX);
      emit(0xe3, child - (here() + 2)); // jrcxz child: syscall has clobbered rcx anyway
      return forked;
    }

    /// A tracer that died before it blocked the signals leaves a wait that a handler without SA_RESTART interrupts:
    /// it is begun again, else the child would stay a zombie.
    ///
    /// @return the offset after the wait
    private int awaitChild() {
      // waitid refuses an id that is an errno (<= 0); wait4 would take -1 for any child.
      move(RAX, RSI);
      set(RDI, P_PID);
      set(RDX, 0);
      set(R10, WEXITED_WALL);
      set(R8, 0);
      int again = here();
      set(RAX, WAITID);
      syscall();
      int waited = here();
      emit(0x48, 0x8d, 0x48, EINTR); // lea EINTR(%rax),%rcx: a comparison would change the flags, which are the task's
      emit(0xe3, (again - (here() + 2)) & 0xff); // jrcxz again
      return waited;
    }

    /// @return the offset after the one syscall instruction
    private int runList() {
      int next = here();
      emit(0x48, 0x8b, 0x43, NUMBER); // mov NUMBER(%rbx),%rax
      for (int i = 0; i < 6; i++) {
        int register = ARGUMENT_REGISTERS.get(i);
        emit(register >= 8 ? 0x4c : 0x48, 0x8b, 0x43 | ((register & 7) << 3), ARGUMENTS + 8 * i);
      }
      syscall();
      int called = here();
      emit(0x48, 0x89, 0x43, RESULT); // mov %rax,RESULT(%rbx)
      emit(0x48, 0x8b, 0x4b, COPY, 0x48, 0x89, 0x01); // mov COPY(%rbx),%rcx; mov %rax,(%rcx)
      emit(0x48, 0x8b, 0x1b); // mov NEXT(%rbx),%rbx
      move(RBX, RCX);
      emit(0xe3, 2); // jrcxz over the jump
      emit(0xeb, next - (here() + 2));
      return called;
    }

    /// @return the offset after rt_sigprocmask
    private int goHome() {
      set(RAX, RT_SIGPROCMASK);
      set(RDI, SIG_SETMASK);
      address(RSI, Slot.MASK);
      set(RDX, 0);
      set(R10, 8);
      syscall();
      int masked = here();
      for (int i = 0; i < HARDWARE.length; i++) {
        load(HARDWARE[i], Slot.REGISTERS + 8 * i);
      }
      emit(0xff, 0x25); // jmp *RIP(%rip)
      displacement(Slot.RIP);
      return masked;
    }

    private int here() {
      return Slot.CODE + out.size();
    }

    private void emit(int... bytes) {
      for (int b : bytes) {
        out.write(b);
      }
    }

    private void syscall() {
      emit(0x0f, 0x05);
    }

    private void move(int from, int to) {
      emit(0x48, 0x89, 0xc0 | (from << 3) | to);
    }

    /// mov $imm32,%r32: the upper half becomes zero.
    private void set(int register, int value) {
      if (register >= 8) {
        emit(0x41);
      }
      emit(0xb8 | (register & 7));
      word(value);
    }

    private void load(int register, int slotOffset) {
      emit(register >= 8 ? 0x4c : 0x48, 0x8b, 0x05 | ((register & 7) << 3));
      displacement(slotOffset);
    }

    private void address(int register, int slotOffset) {
      emit(register >= 8 ? 0x4c : 0x48, 0x8d, 0x05 | ((register & 7) << 3));
      displacement(slotOffset);
    }

    private void displacement(int slotOffset) {
      word(slotOffset - (here() + 4));
    }

    private void word(int value) {
      emit(value, value >> 8, value >> 16, value >> 24);
    }

    /// ppoll(2) of no descriptors: unlike the sleeps it leaves the restart block of the task's own call alone. What is
    /// left of the time it cannot write, which it does not mind (fs/select.c, `poll_select_finish()`).
    ///
    /// @return the offset after it
    private int sleep() {
      set(RSI, 0);
      address(RDX, Slot.PAUSE);
      set(R10, 0);
      set(RAX, PPOLL);
      syscall();
      return here();
    }

    /// Where rcx is 0.
    private int jumpForwardIfNone() {
      emit(0xe3, 0);
      return here();
    }

    private int jumpForward() {
      emit(0xeb, 0);
      return here();
    }

    private void land(int afterJump) {
      patches.put(afterJump - 1, here() - afterJump);
    }

    private byte[] patched() {
      byte[] bytes = out.toByteArray();
      patches.forEach((at, distance) -> {
        if (distance > 127) {
          throw new AssertionError("jump of " + distance + " bytes");
        }
        bytes[at - Slot.CODE] = distance.byteValue();
      });
      return bytes;
    }
  }
}
