package stasis.linux.bpf;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.sys.Syscalls;

/// Copies of the kernel's memory, by a program that does nothing else: a bad address gives nothing, and what is freed
/// meanwhile gives whatever lies there then. So whoever follows pointers reads of a frozen tree, and checks what it got.
final class KernelMemory implements AutoCloseable {
  /// The longest piece of one run.
  static final int PIECE_BYTES = 32 << 10;

  private static final int CONTEXT_BYTES = 16;
  private static final int KEY = -8;
  private static final int OUTPUT_AT = 8;
  private static final int MAPPED_BYTES = PIECE_BYTES + 4096;
  private static final int PROT_READ = 1;
  private static final int MAP_SHARED = 1;

  private final int program;
  private final MemorySegment output;

  private KernelMemory(int program, MemorySegment output) {
    this.program = program;
    this.output = output;
  }

  @SuppressWarnings("restricted") // the mapping is as long as the map, and unmapped in close()
  static KernelMemory open() throws SyscallException, UnsupportedKernel {
    int scratch = BpfCalls.createMappable(OUTPUT_AT + PIECE_BYTES);
    try {
      int program = BpfCalls.loadCallable(copying(scratch));
      try {
        long mapped = Syscalls.require("map what a BPF program writes", Nr.MMAP, 0, MAPPED_BYTES, PROT_READ, MAP_SHARED,
            scratch, 0);
        return new KernelMemory(program, MemorySegment.ofAddress(mapped).reinterpret(MAPPED_BYTES));
      } catch (SyscallException e) {
        BpfCalls.close(program);
        throw e;
      }
    } finally {
      // The program and the mapping keep it.
      BpfCalls.close(scratch);
    }
  }

  /// The context is address and length; the result, and behind it the bytes, go to the map.
  private static long[] copying(int scratch) {
    var insns = new Insns();
    int out = insns.label();
    insns.load64(Insns.R6, Insns.R1, 0);
    insns.load64(Insns.R7, Insns.R1, 8);
    insns.store64Value(Insns.FP, KEY, 0);
    insns.loadMap(Insns.R1, scratch);
    insns.move(Insns.R2, Insns.FP);
    insns.add(Insns.R2, KEY);
    insns.call(Insns.MAP_LOOKUP_ELEM);
    insns.jumpIfEqual(Insns.R0, 0, out);
    insns.move(Insns.R9, Insns.R0);
    insns.store64Value(Insns.R9, 0, -1);
    insns.jumpIfAtLeast(Insns.R7, PIECE_BYTES + 1, out);
    insns.move(Insns.R1, Insns.R9);
    insns.add(Insns.R1, OUTPUT_AT);
    insns.move(Insns.R2, Insns.R7);
    insns.move(Insns.R3, Insns.R6);
    insns.call(Insns.PROBE_READ_KERNEL);
    insns.store64(Insns.R9, 0, Insns.R0);
    insns.bind(out);
    insns.set(Insns.R0, 0);
    insns.exit();
    return insns.assemble();
  }

  /// @param lengthBytes at most [#PIECE_BYTES]
  /// @return empty where nothing is mapped
  Optional<ByteBuffer> read(long address, int lengthBytes) throws SyscallException {
    byte[] context = ByteBuffer.allocate(CONTEXT_BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(address)
        .putLong(lengthBytes).array();
    BpfCalls.runOnce(program, context);
    return output.get(JAVA_LONG, 0) != 0 ? Optional.empty()
        : Optional.of(ByteBuffer.wrap(output.asSlice(OUTPUT_AT, lengthBytes).toArray(JAVA_BYTE))
            .order(ByteOrder.LITTLE_ENDIAN));
  }

  @Override
  public void close() {
    BpfCalls.close(program);
    Syscalls.call(Nr.MUNMAP, output.address(), MAPPED_BYTES);
  }
}
