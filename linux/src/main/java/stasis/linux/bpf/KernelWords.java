package stasis.linux.bpf;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.sys.Self;

/// Words of kernel memory by their address, one at a time: for what hangs together in ways that a record of a fixed
/// form cannot follow. What is not mapped reads as zero.
final class KernelWords implements AutoCloseable {
  private static final int MAP_SCRATCH_BYTES = 1024;
  private static final int CPUS_MAX = 8192;

  private final Btf btf;
  private final int scratch;
  private final int program;
  private final int link;
  private final List<Long> perCpuOffsets;

  private KernelWords(Btf btf, int scratch, int program, int link, List<Long> perCpuOffsets) {
    this.btf = btf;
    this.scratch = scratch;
    this.program = program;
    this.link = link;
    this.perCpuOffsets = List.copyOf(perCpuOffsets);
  }

  static KernelWords open(Btf btf) throws SyscallException, UnsupportedKernel {
    var opened = new ArrayList<Integer>();
    try {
      int scratch = kept(opened, BpfCalls.createScratch(MAP_SCRATCH_BYTES));
      List<Long> offsets = perCpuOffsets(btf, scratch);
      int program = kept(opened, BpfCalls.load(new RecordCode(btf, scratch, 0).wordProgram(),
          RecordCode.attachTarget(btf, "task")));
      return new KernelWords(btf, scratch, program, BpfCalls.link(program, self()), offsets);
    } catch (SyscallException | UnsupportedKernel e) {
      opened.forEach(BpfCalls::close);
      throw e;
    }
  }

  private static int kept(List<Integer> opened, int fd) {
    opened.add(fd);
    return fd;
  }

  /// The iterator must visit some task; which does not matter.
  private static Visit.One self() {
    return new Visit.One(Self.pid());
  }

  /// What is added to a per-CPU pointer for each CPU (include/linux/percpu-defs.h, per_cpu_ptr()): told by a map that
  /// shows both the pointer and where each CPU's word lies (kernel/bpf/arraymap.c).
  private static List<Long> perCpuOffsets(Btf btf, int scratch) throws SyscallException, UnsupportedKernel {
    int pointerAt = place(btf, "bpf_array", "pptrs").offsetBytes();
    int structBytes = pointerAt + Long.BYTES;
    if (structBytes > MAP_SCRATCH_BYTES - RecordCode.RESUME_BYTES - Long.BYTES) {
      throw new UnsupportedKernel("this kernel's bpf_array is too long");
    }
    int map = BpfCalls.createPerCpu();
    try {
      int program = BpfCalls.load(new RecordCode(btf, scratch, 0).perCpuProgram(map, structBytes),
          RecordCode.attachTarget(btf, "task"));
      try {
        int link = BpfCalls.link(program, self());
        try {
          return offsets(scratch, link, pointerAt);
        } finally {
          BpfCalls.close(link);
        }
      } finally {
        BpfCalls.close(program);
      }
    } finally {
      BpfCalls.close(map);
    }
  }

  private static List<Long> offsets(int scratch, int link, int pointerAt) throws SyscallException {
    var offsets = new ArrayList<Long>();
    for (int cpu = 0; cpu < CPUS_MAX; cpu++) {
      ByteBuffer record = run(scratch, link, cpu);
      if (!record.hasRemaining()) {
        break;
      }
      offsets.add(record.getLong(0) - record.getLong(Long.BYTES + pointerAt));
    }
    return offsets;
  }

  /// Where a field lies in a struct of this kernel.
  int offset(String struct, String field) throws UnsupportedKernel {
    return place(btf, struct, field).offsetBytes();
  }

  private static FieldPlace place(Btf btf, String struct, String field) throws UnsupportedKernel {
    return btf.field(struct, field)
        .orElseThrow(() -> new UnsupportedKernel("this kernel's " + struct + " has no " + field));
  }

  long u64(long address) throws SyscallException {
    ByteBuffer record = run(scratch, link, address);
    if (record.remaining() != Long.BYTES) {
      throw new SyscallException(Nr.BPF, Errno.EIO, "read a word of kernel memory");
    }
    return record.getLong(0);
  }

  int u32(long address) throws SyscallException {
    return (int) u64(address);
  }

  /// Where each possible CPU has what a per-CPU pointer leads to.
  List<Long> perCpu(long pointer) {
    return perCpuOffsets.stream().map(offset -> pointer + offset).toList();
  }

  private static ByteBuffer run(int scratch, int link, long input) throws SyscallException {
    byte[] value = new byte[MAP_SCRATCH_BYTES];
    ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN).putLong(0, input);
    BpfCalls.update(scratch, value);
    return ByteBuffer.wrap(BpfCalls.run(link)).order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public void close() {
    BpfCalls.close(link);
    BpfCalls.close(program);
    BpfCalls.close(scratch);
  }
}
