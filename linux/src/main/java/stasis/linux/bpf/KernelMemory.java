package stasis.linux.bpf;

import java.util.Arrays;
import java.util.OptionalInt;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;

/// Reads pieces of the kernel's memory for walks that no program can make, of what is held in place meanwhile by a file
/// that the reader has open.
final class KernelMemory implements AutoCloseable {
  private static final int PIECE_BYTES = 4096;

  private final int scratch;
  private final int program;
  private OptionalInt link = OptionalInt.empty();

  private KernelMemory(int scratch, int program) {
    this.scratch = scratch;
    this.program = program;
  }

  static KernelMemory of(Btf btf) throws SyscallException, UnsupportedKernel {
    int scratch = BpfCalls.createScratch(RecordCode.PIECE_AT + PIECE_BYTES);
    try {
      return new KernelMemory(scratch, BpfCalls.load(new RecordCode(btf, scratch, 0).memoryProgram(PIECE_BYTES),
          RecordCode.attachTarget(btf, "task")));
    } catch (SyscallException | UnsupportedKernel e) {
      BpfCalls.close(scratch);
      throw e;
    }
  }

  /// Reads are made as visits of this live thread from now on.
  void visit(Tid self) throws SyscallException {
    leave();
    link = OptionalInt.of(BpfCalls.link(program, new Visit.One(self)));
  }

  void leave() {
    link.ifPresent(BpfCalls::close);
    link = OptionalInt.empty();
  }

  /// @param lengthBytes at least 1
  Bytes read(long address, int lengthBytes) throws SyscallException {
    byte[] all = new byte[lengthBytes];
    for (int done = 0; done < lengthBytes; done += PIECE_BYTES) {
      int length = Math.min(PIECE_BYTES, lengthBytes - done);
      System.arraycopy(piece(address + done, length), 0, all, done, length);
    }
    return Bytes.of(all);
  }

  private byte[] piece(long address, int lengthBytes) throws SyscallException {
    BpfCalls.update(scratch,
        Arrays.copyOf(Bytes.ofU64(address, lengthBytes).toArray(), RecordCode.PIECE_AT + PIECE_BYTES));
    byte[] piece = BpfCalls.run(link.orElseThrow());
    if (piece.length != PIECE_BYTES) {
      throw new SyscallException(Nr.BPF, Errno.EFAULT, "read " + lengthBytes + " bytes of the kernel's memory");
    }
    return piece;
  }

  @Override
  public void close() {
    leave();
    BpfCalls.close(program);
    BpfCalls.close(scratch);
  }
}
