package stasis.linux.bpf;

import static stasis.linux.bpf.Insns.FP;
import static stasis.linux.bpf.Insns.R0;
import static stasis.linux.bpf.Insns.R1;
import static stasis.linux.bpf.Insns.R2;
import static stasis.linux.bpf.Insns.R3;
import static stasis.linux.bpf.Insns.R4;
import static stasis.linux.bpf.Insns.R5;
import static stasis.linux.bpf.Insns.R6;
import static stasis.linux.bpf.Insns.R7;
import static stasis.linux.bpf.Insns.R8;
import static stasis.linux.bpf.Insns.R9;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/// Writes the programs: one record per task, per open file, or per element of a list hanging on a task.
///
/// They read kernel memory by bpf_probe_read_kernel() alone, from addresses that are plain numbers to the verifier: it
/// has nothing to prove about them, a bad one gives zeros, and user addresses are refused by the kernel. The program
/// runs under RCU (kernel/bpf/bpf_iter.c, bpf_iter_run_prog), so what a live task points to is not freed meanwhile.
///
/// Registers: r7 the root object, r8 the seq_file, r9 the scratch value of the map, r6 a counter.
final class RecordCode {
  /// Where in the scratch value a list walk keeps the node it goes on from; the record follows.
  static final int RESUME_BYTES = 8;

  private static final int KEY = -8;
  private static final int POINTER = -16;
  private static final int NUMBER_OFFSET = -24;
  private static final int HEAD = -32;
  private static final int NODE = -40;
  private static final int HOPS = -48;

  private final Btf btf;
  private final int scratchMap;
  private final int formatMap;
  private final Insns insns = new Insns();
  private final int out = insns.label();
  private int hopSlots;

  /// @param scratchMap fd of an array map whose one value holds a record
  /// @param formatMap fd of a frozen map whose value is the text `%ps`
  RecordCode(Btf btf, int scratchMap, int formatMap) {
    this.btf = btf;
    this.scratchMap = scratchMap;
    this.formatMap = formatMap;
  }

  /// One record per visited task.
  long[] taskProgram(RecordLayout<?> layout) throws UnsupportedKernel {
    prologue("bpf_iter__task", "task");
    fill(layout, 0);
    write(0, layout.bytes());
    return epilogue();
  }

  /// One record per open file of each visited task.
  long[] fileProgram(RecordLayout<?> layout) throws UnsupportedKernel {
    prologue("bpf_iter__task_file", "file");
    fill(layout, 0);
    write(0, layout.bytes());
    return epilogue();
  }

  /// One record per vma of each visited task.
  long[] vmaProgram(RecordLayout<?> layout) throws UnsupportedKernel {
    prologue("bpf_iter__task_vma", "vma");
    fill(layout, 0);
    write(0, layout.bytes());
    return epilogue();
  }

  /// One record per element of a list, from the node kept in the scratch value or else the first, at most
  /// `elementsMax`; the node to go on from is left there, 0 at the end. Works for list_head and hlist alike: a walk
  /// ends at the null pointer or back at the head.
  ///
  /// @param head the list head, from task_struct @param nodeOffset of the linking node in an element
  long[] listProgram(RecordLayout<?> layout, FieldPlace head, int nodeOffset, int elementsMax)
      throws UnsupportedKernel {
    int next = insns.label();
    int end = insns.label();
    int started = insns.label();
    prologue("bpf_iter__task", "task");
    pointerAt(head.hops(), new HashMap<>());
    insns.add(R3, head.offsetBytes());
    insns.store64(FP, HEAD, R3);
    insns.load64(R1, R9, 0);
    insns.store64(FP, NODE, R1);
    insns.jumpIfNotEqual(R1, 0, started);
    probeToStack(NODE, Long.BYTES);
    insns.bind(started);
    insns.set(R6, 0);

    insns.bind(next);
    insns.load64(R7, FP, NODE);
    insns.jumpIfEqual(R7, 0, end);
    insns.load64(R1, FP, HEAD);
    insns.jumpIfSame(R7, R1, end);
    insns.jumpIfAtLeast(R6, elementsMax, out);
    insns.add(R7, -nodeOffset);
    fill(layout, RESUME_BYTES);
    write(RESUME_BYTES, layout.bytes());
    insns.jumpIfNotEqual(R0, 0, out);
    insns.move(R3, R7);
    insns.add(R3, nodeOffset);
    probeToStack(NODE, Long.BYTES);
    insns.load64(R1, FP, NODE);
    insns.store64(R9, 0, R1);
    insns.add(R6, 1);
    insns.jump(next);

    insns.bind(end);
    insns.store64Value(R9, 0, 0);
    return epilogue();
  }

  /// One word of kernel memory: the scratch value holds its address, the word comes behind that and is the record.
  long[] wordProgram() throws UnsupportedKernel {
    prologue("bpf_iter__task", "task");
    insns.load64(R3, R9, 0);
    probeToScratch(RESUME_BYTES, Long.BYTES);
    write(RESUME_BYTES, Long.BYTES);
    return epilogue();
  }

  /// Where one CPU's word of a map for each CPU lies, and the first bytes of the kernel's own map struct: the record.
  /// The scratch value holds the CPU's number. No record for a number there is no CPU of.
  long[] perCpuProgram(int perCpuMap, int structBytes) throws UnsupportedKernel {
    prologue("bpf_iter__task", "task");
    insns.loadMap(R1, perCpuMap);
    insns.move(R2, FP);
    insns.add(R2, KEY);
    insns.load64(R3, R9, 0);
    insns.call(Insns.MAP_LOOKUP_PERCPU_ELEM);
    insns.jumpIfEqual(R0, 0, out);
    insns.store64(R9, RESUME_BYTES, R0);
    insns.loadMap(R3, perCpuMap);
    probeToScratch(RESUME_BYTES + Long.BYTES, structBytes);
    write(RESUME_BYTES, Long.BYTES + structBytes);
    return epilogue();
  }

  /// r7, r8, r9 set; the place of the reader's pid number in a struct pid worked out.
  ///
  /// @param context what the kernel hands the program @param root which of it the records are of
  private void prologue(String context, String root) throws UnsupportedKernel {
    insns.load64(R6, R1, place(context, "meta").offsetBytes());
    insns.load64(R7, R1, place(context, root).offsetBytes());
    insns.jumpIfEqual(R7, 0, out);
    insns.load64(R8, R6, place("bpf_iter_meta", "seq").offsetBytes());
    insns.store64Value(FP, KEY, 0);
    insns.loadMap(R1, scratchMap);
    insns.move(R2, FP);
    insns.add(R2, KEY);
    insns.call(Insns.MAP_LOOKUP_ELEM);
    insns.jumpIfEqual(R0, 0, out);
    insns.move(R9, R0);

    // numbers[level of the reader's own pid] is the entry of its namespace (kernel/pid.c, pid_nr_ns)
    FieldPlace first = place("pid", "numbers[0].nr");
    int stride = place("pid", "numbers[1].nr").offsetBytes() - first.offsetBytes();
    insns.call(Insns.GET_CURRENT_TASK);
    insns.move(R3, R0);
    insns.add(R3, place("task_struct", "thread_pid").offsetBytes());
    probeToStack(POINTER, Long.BYTES);
    insns.load64(R3, FP, POINTER);
    insns.add(R3, place("pid", "level").offsetBytes());
    insns.store64Value(FP, NUMBER_OFFSET, 0);
    probeToStack(NUMBER_OFFSET, Integer.BYTES);
    insns.load64(R1, FP, NUMBER_OFFSET);
    insns.multiply(R1, stride);
    insns.add(R1, first.offsetBytes());
    insns.store64(FP, NUMBER_OFFSET, R1);
  }

  private long[] epilogue() {
    insns.bind(out);
    insns.set(R0, 0);
    insns.exit();
    return insns.assemble();
  }

  private void fill(RecordLayout<?> layout, int base) {
    Map<List<Integer>, Integer> known = new HashMap<>();
    hopSlots = 0;
    for (RecordLayout.Piece piece : layout.pieces()) {
      pointerAt(piece.hops(), known);
      insns.add(R3, piece.offset());
      probeToScratch(base + piece.recordAt(), piece.bytes());
    }
    for (RecordLayout.Translation translation : layout.translations()) {
      pointerAt(translation.pointer().hops(), known);
      insns.add(R3, translation.pointer().offsetBytes());
      probeToStack(POINTER, Long.BYTES);
      switch (translation.form()) {
        case PID_NUMBER -> pidNumber(base + translation.recordAt());
        case SYMBOL -> symbol(base + translation.recordAt());
        case COPY -> throw new IllegalStateException("a copy is no translation");
      }
    }
  }

  /// r3 = the object reached by `hops` from r7; pointers on the way are kept in locals.
  private void pointerAt(List<Integer> hops, Map<List<Integer>, Integer> known) {
    if (hops.isEmpty()) {
      insns.move(R3, R7);
      return;
    }
    Integer slot = known.get(hops);
    if (slot == null) {
      pointerAt(hops.subList(0, hops.size() - 1), known);
      insns.add(R3, hops.getLast());
      slot = HOPS - 8 * hopSlots++;
      probeToStack(slot, Long.BYTES);
      known.put(List.copyOf(hops), slot);
    }
    insns.load64(R3, FP, slot);
  }

  private void pidNumber(int recordAt) {
    insns.load64(R3, FP, POINTER);
    insns.load64(R1, FP, NUMBER_OFFSET);
    insns.addRegister(R3, R1);
    probeToScratch(recordAt, Integer.BYTES);
  }

  /// The kernel itself names the function (`%ps`, Documentation/core-api/printk-formats.rst): no /proc/kallsyms to
  /// read, and kptr_restrict does not blank it.
  private void symbol(int recordAt) {
    insns.move(R1, R9);
    insns.add(R1, recordAt);
    insns.set(R2, RecordLayout.SYMBOL_BYTES);
    insns.loadMapValue(R3, formatMap);
    insns.move(R4, FP);
    insns.add(R4, POINTER);
    insns.set(R5, Long.BYTES);
    insns.call(Insns.SNPRINTF);
  }

  private void write(int at, int bytes) {
    insns.move(R1, R8);
    insns.move(R2, R9);
    insns.add(R2, at);
    insns.set(R3, bytes);
    insns.call(Insns.SEQ_WRITE);
  }

  /// Copies from r3.
  private void probeToScratch(int at, int bytes) {
    insns.move(R1, R9);
    insns.add(R1, at);
    insns.set(R2, bytes);
    insns.call(Insns.PROBE_READ_KERNEL);
  }

  /// Copies from r3.
  private void probeToStack(int at, int bytes) {
    insns.move(R1, FP);
    insns.add(R1, at);
    insns.set(R2, bytes);
    insns.call(Insns.PROBE_READ_KERNEL);
  }

  private FieldPlace place(String struct, String expression) throws UnsupportedKernel {
    return btf.field(struct, expression)
        .orElseThrow(() -> new UnsupportedKernel("this kernel's " + struct + " has no " + expression));
  }

  /// The function an iterator program attaches to.
  ///
  /// @param iterator `task`, `task_file` or `task_vma`
  static int attachTarget(Btf btf, String iterator) throws UnsupportedKernel {
    OptionalInt function = btf.function("bpf_iter_" + iterator);
    if (function.isEmpty()) {
      throw new UnsupportedKernel("this kernel has no " + iterator + " iterator (Linux 5.8, CONFIG_BPF_SYSCALL)");
    }
    return function.getAsInt();
  }
}
