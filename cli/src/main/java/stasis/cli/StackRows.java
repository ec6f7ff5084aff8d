package stasis.cli;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import stasis.engine.ImageMemory;
import stasis.engine.ImageMemory.Place;
import stasis.image.ObjectId;
import stasis.linux.abi.Arch;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.repository.ImageException;
import stasis.resource.CpuState;
import stasis.resource.TaskState;
import stasis.resource.VmaState;

/// `stack`: the system call each thread is in, and its frames as far as frame pointers lead; `stasis gdb` unwinds
/// without them.
final class StackRows {
  /// Words of `struct user_regs_struct` (arch/x86/include/asm/user_64.h).
  private static final int RBP = 4;
  private static final int ORIG_RAX = 15;
  private static final int RIP = 16;
  private static final int[] ARGUMENTS = {14, 13, 12, 7, 9, 8};
  private static final int REGISTERS_BYTES = 27 * 8;
  private static final int MAX_FRAMES = 64;

  private final Inspection image;
  private final Map<String, ElfSymbols> symbols = new HashMap<>();

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
    long ip = registers.u64(8 * RIP);
    long frame = registers.u64(8 * RBP);
    for (int number = 0; number < MAX_FRAMES; number++) {
      table.row("#" + number, "0x%x".formatted(ip), symbol(task, ip));
      ImageMemory.Read read = image.memory().read(task.mm(), frame, 16);
      if (frame % 8 != 0 || read.bytes().length() < 16) {
        break;
      }
      long caller = read.bytes().u64(0);
      ip = read.bytes().u64(8);
      if (Long.compareUnsigned(caller, frame) <= 0 || !executable(task, ip)) {
        break;
      }
      frame = caller;
    }
    return new Shown.Section("task %s of %d (%s)%s".formatted(task.pids().getFirst(), pid,
        MemoryRows.printable(task.comm()), call(registers)), table);
  }

  private static String call(Bytes registers) {
    long number = registers.u64(8 * ORIG_RAX);
    if (number < 0) {
      return ", in user mode";
    }
    StringBuilder out = new StringBuilder(", in ").append(name(number)).append('(');
    for (int i = 0; i < ARGUMENTS.length; i++) {
      out.append(i == 0 ? "" : ", ").append("0x").append(Long.toHexString(registers.u64(8 * ARGUMENTS[i])));
    }
    return out.append(')').toString();
  }

  private static String name(long number) {
    for (Nr nr : Nr.values()) {
      if (nr.on(Arch.X86_64) == number) {
        return nr.name().toLowerCase(Locale.ROOT);
      }
    }
    return "syscall " + number;
  }

  private Optional<VmaState> vma(TaskState task, long address) {
    return image.memory().vmas(task.mm()).stream().filter(v -> v.start().bits() <= address
        && address < v.end().bits()).findFirst();
  }

  private boolean executable(TaskState task, long address) {
    return vma(task, address).filter(v -> (v.prot() & VmaState.PROT_EXEC) != 0).isPresent();
  }

  /// `function+0x12 in /path`, or as much of that as is known.
  private String symbol(TaskState task, long address) {
    Optional<VmaState> vma = vma(task, address);
    Optional<Place.InFile> file = vma.flatMap(v -> image.memory().stretches(task.mm(), v).stream()
        .filter(s -> s.start() <= address && address < s.end()).findFirst())
        .flatMap(s -> s.place() instanceof Place.InFile at
            ? Optional.of(new Place.InFile(at.path(), at.offset() + address - s.start(), at.sizeBytes()))
            : Optional.empty());
    if (file.isEmpty()) {
      return vma.map(v -> image.memory().backing(v).map(b -> b.schemaName()).orElse("?")).orElse("nowhere");
    }
    ElfSymbols known = symbols.computeIfAbsent(file.get().path(),
        path -> ElfSymbols.read(path, file.get().sizeBytes()));
    return known.at(file.get().offset()).map(name -> name + " in ").orElse("")
        + MemoryRows.printable(file.get().path()) + "+0x" + Long.toHexString(file.get().offset());
  }
}
