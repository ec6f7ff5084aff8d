package stasis.engine;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import stasis.linux.abi.Mman;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.sys.Syscalls;
import stasis.procfs.Proc;
import stasis.procfs.ProcException;
import stasis.procfs.Vma;
import stasis.resource.Step;
import stasis.tracee.Deadline;
import stasis.tracee.stub.Batch;
import stasis.tracee.stub.Expect;
import stasis.tracee.stub.Operand;
import stasis.tracee.stub.Outcome;
import stasis.tracee.stub.PidTakenException;
import stasis.tracee.stub.Stub;

/// Steps that bring the kernel to where it takes no order: a mapping whose place it chooses, a counter that only grows.
final class Crowding {
  private static final Duration BOUND = Duration.ofMinutes(5);
  private static final int ADDR_NO_RANDOMIZE = 0x0040000;
  private static final long ASK = 0xffffffffL;
  /// Calls in one batch.
  private static final int AT_ONCE = 4096;
  private static final int WORD_BYTES = 4;

  private final Proc proc;

  Crowding(Proc proc) {
    this.proc = proc;
  }

  /// How a stub is born.
  interface Birth {
    Stub make() throws SyscallException, StepFailedException, PidTakenException;
  }

  /// A stub whose own mappings may lie as high as those of any program: where the search for a hole begins is chosen at
  /// execve(2), at random (arch/x86/mm/mmap.c, mmap_base()), and above it nothing would be found.
  static Stub belowTheTop(Birth birth) throws SyscallException, StepFailedException, PidTakenException {
    long before = Syscalls.require("ask for the personality", Nr.PERSONALITY, ASK);
    Syscalls.require("no random addresses", Nr.PERSONALITY, before | ADDR_NO_RANDOMIZE);
    try {
      return birth.make();
    } finally {
      Syscalls.require("the personality as it was", Nr.PERSONALITY, before);
    }
  }

  private record Hole(long start, long lengthBytes) {}

  /// What is mapped above is free again when this is done.
  void map(Step.MapWhereFree map, Stub stub) throws SyscallException, StepFailedException, ProcException {
    List<Hole> above = holes(stub, map.at().bits() + map.lengthBytes());
    Batch batch = new Batch();
    for (Hole hole : above) {
      batch.call(Nr.MMAP, Expect.exactly(hole.start()), Operand.imm(hole.start()), Operand.imm(hole.lengthBytes()),
          Operand.imm(Mman.PROT_NONE),
          Operand.imm(Mman.MAP_PRIVATE | Mman.MAP_ANONYMOUS | Mman.MAP_NORESERVE | Mman.MAP_FIXED_NOREPLACE),
          Operand.imm(-1), Operand.imm(0));
    }
    batch.call(Nr.MMAP, Expect.exactly(map.at().bits()), Operand.imm(0), Operand.imm(map.lengthBytes()),
        Operand.imm(map.prot()), Operand.imm(map.flags()), Operand.imm(map.file().value()), Operand.imm(map.offset()));
    for (Hole hole : above) {
      batch.call(Nr.MUNMAP, Operand.imm(hole.start()), Operand.imm(hole.lengthBytes()));
    }
    run(stub, batch, map.why());
  }

  private List<Hole> holes(Stub stub, long from) throws ProcException {
    var holes = new ArrayList<Hole>();
    long at = from;
    for (Vma vma : proc.task(stub.tid()).maps().vmas()) {
      if (Long.compareUnsigned(vma.start(), Planner.TASK_SIZE) < 0 && vma.end() > at) {
        if (vma.start() > at) {
          holes.add(new Hole(at, vma.start() - at));
        }
        at = vma.end();
      }
    }
    if (at < Planner.TASK_SIZE) {
      holes.add(new Hole(at, Planner.TASK_SIZE - at));
    }
    return holes;
  }

  void repeat(Step.Repeat repeat, Stub stub) throws SyscallException, StepFailedException {
    for (long done = 0; done < repeat.times(); done += AT_ONCE) {
      CallBatch calls = new CallBatch(new Values());
      for (long i = done; i < Math.min(repeat.times(), done + AT_ONCE); i++) {
        calls.add(0, repeat.call(), Set.of());
        calls.batch().copy(repeat.to(), repeat.from(), WORD_BYTES);
      }
      run(stub, calls.batch(), repeat.why());
    }
  }

  private static void run(Stub stub, Batch batch, String why) throws SyscallException, StepFailedException {
    switch (stub.run(batch, Deadline.after(BOUND))) {
      case Outcome.Completed _ -> { }
      case Outcome.Stopped(int _, long result, _, _) -> throw new StepFailedException(why, result);
      case Outcome other -> throw new StepFailedException(why + ": " + other);
    }
  }
}
