package stasis.linux.bpf;

import java.util.ArrayList;
import java.util.List;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;

/// One loaded program with its scratch map. Owns both fds. Not for two threads at once: they would share the scratch.
///
/// @param <F> the fields of its records
final class TaskReader<F extends Enum<F> & KernelField> implements AutoCloseable {
  private static final int RUN_BYTES_MAX = 24 << 10;
  private static final int RUNS_MAX = 1 << 14;
  private static final int ELEMENTS_PER_RUN_MAX = 64;

  private final RecordLayout<F> layout;
  private final int scratch;
  private final int scratchBytes;
  private final int program;

  private TaskReader(RecordLayout<F> layout, int scratch, int scratchBytes, int program) {
    this.layout = layout;
    this.scratch = scratch;
    this.scratchBytes = scratchBytes;
    this.program = program;
  }

  /// A program that writes one record per task.
  ///
  /// @param format fd of the frozen map that holds `%ps`
  static <F extends Enum<F> & KernelField> TaskReader<F> ofTasks(Btf btf, RecordLayout<F> layout, int format)
      throws SyscallException, UnsupportedKernel {
    return load(btf, "task", layout, layout.bytes(), (scratch) -> new RecordCode(btf, scratch, format).taskProgram(layout));
  }

  /// A program that writes one record per open file.
  static <F extends Enum<F> & KernelField> TaskReader<F> ofFiles(Btf btf, RecordLayout<F> layout)
      throws SyscallException, UnsupportedKernel {
    return load(btf, "task_file", layout, layout.bytes(),
        (scratch) -> new RecordCode(btf, scratch, 0).fileProgram(layout));
  }

  /// A program that writes one record per vma.
  static <F extends Enum<F> & KernelField> TaskReader<F> ofVmas(Btf btf, RecordLayout<F> layout)
      throws SyscallException, UnsupportedKernel {
    return load(btf, "task_vma", layout, layout.bytes(),
        (scratch) -> new RecordCode(btf, scratch, 0).vmaProgram(layout));
  }

  /// A program that writes one record per element of a list.
  ///
  /// @param head expression of the list head from task_struct
  /// @param elementStruct what is on the list @param node the linking node in it
  static <F extends Enum<F> & KernelField> TaskReader<F> ofList(Btf btf, RecordLayout<F> layout, String head,
      String elementStruct, String node) throws SyscallException, UnsupportedKernel {
    FieldPlace headPlace = place(btf, "task_struct", head);
    int nodeOffset = place(btf, elementStruct, node).offsetBytes();
    return load(btf, "task", layout, layout.bytes() + RecordCode.RESUME_BYTES,
        (scratch) -> new RecordCode(btf, scratch, 0).listProgram(layout, headPlace, nodeOffset,
            elementsPerRun(layout)));
  }

  /// A task's output must fit the seq_file's 32 KiB (kernel/bpf/bpf_iter.c, bpf_seq_read).
  private static int elementsPerRun(RecordLayout<?> layout) {
    return Math.clamp(RUN_BYTES_MAX / layout.bytes(), 1, ELEMENTS_PER_RUN_MAX);
  }

  private static FieldPlace place(Btf btf, String struct, String expression) throws UnsupportedKernel {
    return btf.field(struct, expression)
        .orElseThrow(() -> new UnsupportedKernel("this kernel's " + struct + " has no " + expression));
  }

  private interface Writing {
    long[] program(int scratch) throws UnsupportedKernel;
  }

  private static <F extends Enum<F> & KernelField> TaskReader<F> load(Btf btf, String iterator,
      RecordLayout<F> layout, int scratchBytes, Writing writing) throws SyscallException, UnsupportedKernel {
    int scratch = BpfCalls.createScratch(scratchBytes);
    try {
      int program = BpfCalls.load(writing.program(scratch), RecordCode.attachTarget(btf, iterator));
      return new TaskReader<>(layout, scratch, scratchBytes, program);
    } catch (SyscallException | UnsupportedKernel e) {
      BpfCalls.close(scratch);
      throw e;
    }
  }

  RecordLayout<F> layout() {
    return layout;
  }

  /// Records of the visited tasks; none if there is no such task.
  List<Row<F>> read(Visit visit) throws SyscallException {
    int link = BpfCalls.link(program, visit);
    try {
      return rows(BpfCalls.run(link));
    } finally {
      BpfCalls.close(link);
    }
  }

  /// Records in which a field rises, up to the first in which it does not: an iterator over the vmas of one thread, read
  /// on after its end, begins again where the buffer before was full (kernel/bpf/task_iter.c, task_vma_seq_get_next()).
  List<Row<F>> readRising(Visit.One visit, F field) throws SyscallException {
    int link = BpfCalls.link(program, visit);
    try {
      var all = new ArrayList<Row<F>>();
      BpfCalls.run(link, records -> {
        for (Row<F> row : rows(records)) {
          if (!all.isEmpty() && Long.compareUnsigned(row.unsigned(field), all.getLast().unsigned(field)) <= 0) {
            return false;
          }
          all.add(row);
        }
        return true;
      });
      return all;
    } finally {
      BpfCalls.close(link);
    }
  }

  /// Records of all elements of the visited thread's list, however many.
  List<Row<F>> readList(Visit.One visit) throws SyscallException {
    BpfCalls.update(scratch, new byte[scratchBytes]);
    int link = BpfCalls.link(program, visit);
    try {
      var all = new ArrayList<Row<F>>();
      for (int run = 0; run < RUNS_MAX; run++) {
        all.addAll(rows(BpfCalls.run(link)));
        if (isZero(BpfCalls.lookup(scratch, scratchBytes), RecordCode.RESUME_BYTES)) {
          return all;
        }
      }
      throw new SyscallException(Nr.BPF, Errno.E2BIG, "read a list of " + visit + ": it does not end");
    } finally {
      BpfCalls.close(link);
    }
  }

  private static boolean isZero(byte[] bytes, int length) {
    for (int i = 0; i < length; i++) {
      if (bytes[i] != 0) {
        return false;
      }
    }
    return true;
  }

  private List<Row<F>> rows(byte[] records) {
    if (records.length % layout.bytes() != 0) {
      throw new AssertionError(records.length + " bytes are no whole records of " + layout.bytes());
    }
    var rows = new ArrayList<Row<F>>();
    for (int at = 0; at < records.length; at += layout.bytes()) {
      rows.add(new Row<>(layout, records, at));
    }
    return rows;
  }

  @Override
  public void close() {
    BpfCalls.close(program);
    BpfCalls.close(scratch);
  }
}
