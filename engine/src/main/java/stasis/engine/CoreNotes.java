package stasis.engine;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.image.DecodeException;
import stasis.image.Fields;
import stasis.image.ObjectId;
import stasis.image.StoredObject;
import stasis.linux.abi.Bytes;
import stasis.repository.ImageException;
import stasis.resource.CpuState;
import stasis.resource.TaskState;
import stasis.resource.VmaState;

/// The notes of a core file of an x86-64 thread group, in the kernel's order (fs/binfmt_elf.c, fill_note_info()).
final class CoreNotes {
  private static final int NT_PRSTATUS = 1;
  private static final int NT_FPREGSET = 2;
  private static final int NT_PRPSINFO = 3;
  private static final int NT_AUXV = 6;
  private static final int NT_X86_XSTATE = 0x202;
  private static final int NT_FILE = 0x46494c45;
  private static final int NT_SIGINFO = 0x53494749;
  /// `struct elf_prstatus`, `struct elf_prpsinfo` and siginfo_t of x86-64.
  private static final int PRSTATUS_BYTES = 336;
  private static final int PRSTATUS_REGISTERS = 112;
  private static final int REGISTERS_BYTES = 27 * 8;
  private static final int PRPSINFO_BYTES = 136;
  private static final int SIGINFO_BYTES = 128;
  private static final int PSARGS_BYTES = 80;
  private static final int FNAME_BYTES = 16;
  /// The FXSAVE image at the start of an XSAVE area.
  private static final int FPREGSET_BYTES = 512;
  private static final int SLEEPING = 1;

  private final ImageMemory memory;
  private final ObjectId leader;
  private final List<ByteBuffer> notes = new ArrayList<>();

  private CoreNotes(ImageMemory memory, ObjectId leader) {
    this.memory = memory;
    this.leader = leader;
  }

  /// All notes, one behind the other.
  static ByteBuffer of(ImageMemory memory, ObjectId leader) throws DecodeException, ImageException {
    CoreNotes notes = new CoreNotes(memory, leader);
    notes.collect();
    ByteBuffer all = ByteBuffer.allocate(notes.notes.stream().mapToInt(ByteBuffer::remaining).sum());
    notes.notes.forEach(all::put);
    return all.flip();
  }

  private void collect() throws DecodeException, ImageException {
    for (ObjectId thread : memory.threads(leader)) {
      TaskState task = GroupPlan.require(memory.tasks(), thread);
      Optional<CpuState> cpu = memory.cpu(thread);
      if (cpu.isEmpty() || cpu.get().general().length() != REGISTERS_BYTES) {
        continue;
      }
      note("CORE", NT_PRSTATUS, status(task, cpu.get()));
      if (thread.equals(leader)) {
        note("CORE", NT_PRPSINFO, process(task));
        note("CORE", NT_SIGINFO, new byte[SIGINFO_BYTES]);
        note("CORE", NT_AUXV, mm().map(fields -> fields.bytes("auxv")).orElse(Bytes.EMPTY).toArray());
        note("CORE", NT_FILE, files(task));
      }
      Bytes extended = cpu.get().extended().whole();
      if (extended.length() >= FPREGSET_BYTES) {
        note("CORE", NT_FPREGSET, extended.slice(0, FPREGSET_BYTES).toArray());
        note("LINUX", NT_X86_XSTATE, extended.toArray());
      }
    }
  }

  private Optional<Fields> mm() throws DecodeException {
    for (StoredObject object : memory.statefile().objects("group.mm")) {
      if (object.owner().filter(leader::equals).isPresent()) {
        return Optional.of(Fields.of(memory.statefile(), object));
      }
    }
    return Optional.empty();
  }

  private void note(String owner, int type, byte[] content) {
    int name = owner.length() + 1;
    ByteBuffer note = ByteBuffer.allocate(12 + aligned(name) + aligned(content.length))
        .order(ByteOrder.LITTLE_ENDIAN);
    note.putInt(name).putInt(content.length).putInt(type).put(owner.getBytes(StandardCharsets.US_ASCII));
    note.position(12 + aligned(name)).put(content);
    notes.add(note.rewind());
  }

  private static int aligned(int length) {
    return length + 3 & -4;
  }

  private byte[] status(TaskState task, CpuState cpu) {
    ByteBuffer out = ByteBuffer.allocate(PRSTATUS_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    out.putLong(24, cpu.mask().bits());
    out.putInt(32, task.pids().getFirst()).putInt(36, parent(task)).putInt(40, task.processGroup())
        .putInt(44, task.session());
    out.put(PRSTATUS_REGISTERS, cpu.general().toArray());
    out.putInt(PRSTATUS_REGISTERS + REGISTERS_BYTES, cpu.extended().length() == 0 ? 0 : 1);
    return out.array();
  }

  private int parent(TaskState task) {
    TaskState parent = GroupPlan.require(memory.tasks(), task.parent());
    return task.parent().equals(task.leader()) ? 0 : parent.pids().getFirst();
  }

  private byte[] process(TaskState task) throws DecodeException, ImageException {
    ByteBuffer out = ByteBuffer.allocate(PRPSINFO_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    out.put(0, (byte) SLEEPING).put(1, (byte) 'S');
    out.putInt(24, task.pids().getFirst()).putInt(28, parent(task)).putInt(32, task.processGroup())
        .putInt(36, task.session());
    byte[] name = task.comm().getBytes(StandardCharsets.UTF_8);
    out.put(40, name, 0, Math.min(name.length, FNAME_BYTES - 1));
    byte[] words = arguments(task);
    out.put(56, words, 0, Math.min(words.length, PSARGS_BYTES - 1));
    return out.array();
  }

  /// The command line, its NULs as spaces.
  private byte[] arguments(TaskState task) throws DecodeException, ImageException {
    Optional<Fields> layout = mm().flatMap(fields -> fields.record("layout"));
    long start = layout.map(l -> l.number("argStart")).orElse(0L);
    long length = layout.map(l -> l.number("argEnd")).orElse(0L) - start;
    if (length <= 0) {
      return task.comm().getBytes(StandardCharsets.UTF_8);
    }
    byte[] words = memory.read(task.mm(), start, (int) Math.min(length, PSARGS_BYTES)).bytes().toArray();
    for (int i = 0; i < words.length; i++) {
      words[i] = words[i] == 0 ? (byte) ' ' : words[i];
    }
    return words;
  }

  /// NT_FILE: count, page size, then start, end and page offset of each, then their names.
  private byte[] files(TaskState task) {
    List<VmaState> mapped = new ArrayList<>();
    List<byte[]> names = new ArrayList<>();
    for (VmaState vma : memory.vmas(task.mm())) {
      memory.path(vma).ifPresent(path -> {
        mapped.add(vma);
        names.add(path.getBytes(StandardCharsets.ISO_8859_1));
      });
    }
    ByteBuffer out = ByteBuffer.allocate(16 + 24 * mapped.size() + names.stream().mapToInt(n -> n.length + 1).sum())
        .order(ByteOrder.LITTLE_ENDIAN);
    out.putLong(mapped.size()).putLong(CoreFile.PAGE_BYTES);
    mapped.forEach(vma -> out.putLong(vma.start().bits()).putLong(vma.end().bits())
        .putLong(vma.offset() / CoreFile.PAGE_BYTES));
    names.forEach(name -> out.put(name).put((byte) 0));
    return out.array();
  }
}
