package stasis.cli;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import stasis.engine.ImageMemory.Place;
import stasis.image.ObjectId;
import stasis.linux.abi.Arch;
import stasis.linux.abi.Bytes;
import stasis.repository.ImageException;
import stasis.resource.CpuState;
import stasis.resource.TaskState;
import stasis.resource.VmaState;

/// `stack`: the system call each thread is in, and its frames.
final class StackRows {
  /// Words of `struct user_regs_struct` (arch/x86/include/asm/user_64.h).
  private static final int ORIG_RAX = 15;
  private static final int[] ARGUMENTS = {14, 13, 12, 7, 9, 8};
  private static final int REGISTERS_BYTES = 27 * 8;

  private final Inspection image;
  private final SyscallNames calls = new SyscallNames();
  private final Map<String, ElfSymbols> symbols = new HashMap<>();
  private final Map<ObjectId, Unwinder> unwinders = new HashMap<>();

  private StackRows(Inspection image) {
    this.image = image;
  }

  static List<Shown.Section> of(Inspection image) throws ImageException, Inspection.NoAnswerException {
    if (image.statefile().header().arch() != Arch.X86_64) {
      throw new Inspection.NoAnswerException("stacks are read of x86_64 images only; this is one of "
          + image.statefile().header().arch());
    }
    StackRows rows = new StackRows(image);
    List<Shown.Section> sections = new ArrayList<>();
    for (Map.Entry<ObjectId, TaskState> leader : image.leaders()) {
      for (ObjectId thread : image.memory().threads(leader.getKey())) {
        Optional<TaskState> task = Optional.ofNullable(image.memory().tasks().get(thread));
        Optional<CpuState> cpu = image.memory().cpu(thread);
        if (task.isPresent() && cpu.isPresent() && cpu.get().general().length() == REGISTERS_BYTES) {
          sections.add(rows.thread(Inspection.pid(leader.getValue()), task.get(), cpu.get().general()));
        }
      }
    }
    return sections;
  }

  private Shown.Section thread(int pid, TaskState task, Bytes registers) throws ImageException {
    Table table = new Table("FRAME", "ADDRESS", "SYMBOL");
    Unwinder unwinder = unwinders.computeIfAbsent(task.mm(), mm -> new Unwinder(image.memory(), mm));
    Optional<Unwinder.Frame> frame = Optional.of(Unwinder.innermost(registers));
    for (int number = 0; number < Unwinder.MAX_FRAMES && frame.isPresent(); number++) {
      table.row("#" + number, "0x%x".formatted(frame.get().pc()), symbol(task, frame.get().pc(), frame.get().within()));
      frame = unwinder.caller(frame.get());
    }
    return new Shown.Section("task %s of %d (%s)%s".formatted(task.pids().getFirst(), pid,
        MemoryRows.printable(task.comm()), call(registers)), table);
  }

  private String call(Bytes registers) {
    long number = registers.u64(8 * ORIG_RAX);
    if (number < 0) {
      return ", in user mode";
    }
    StringBuilder out = new StringBuilder(", in ").append(calls.of(number)).append('(');
    for (int i = 0; i < ARGUMENTS.length; i++) {
      out.append(i == 0 ? "" : ", ").append("0x").append(Long.toHexString(registers.u64(8 * ARGUMENTS[i])));
    }
    return out.append(')').toString();
  }

  private Optional<VmaState> vma(TaskState task, long address) {
    return image.memory().vmas(task.mm()).stream().filter(v -> v.start().bits() <= address
        && address < v.end().bits()).findFirst();
  }

  /// `function+0x12 in /path`, or as much of that as is known.
  ///
  /// @param within an address of the instruction; what is called last in a function may return behind its end
  private String symbol(TaskState task, long pc, long within) {
    Optional<VmaState> vma = vma(task, within);
    Optional<Place.InFile> file = vma.flatMap(v -> image.memory().stretches(task.mm(), v).stream()
        .filter(s -> s.start() <= within && within < s.end()).findFirst())
        .flatMap(s -> s.place() instanceof Place.InFile at
            ? Optional.of(new Place.InFile(at.path(), at.offset() + within - s.start(), at.sizeBytes()))
            : Optional.empty());
    if (file.isEmpty()) {
      return vma.map(v -> image.memory().backing(v).map(b -> b.schemaName()).orElse("?")).orElse("nowhere");
    }
    ElfSymbols known = symbols.computeIfAbsent(file.get().path(),
        path -> ElfSymbols.read(path, file.get().sizeBytes()));
    return known.at(file.get().offset(), pc - within).map(name -> name + " in ").orElse("")
        + MemoryRows.printable(file.get().path()) + "+0x" + Long.toHexString(file.get().offset() + pc - within);
  }
}
