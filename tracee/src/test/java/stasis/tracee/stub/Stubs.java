package stasis.tracee.stub;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.tracee.Deadline;
import stasis.tracee.Ptrace;
import stasis.tracee.TracerThread;

/// What tests with stubs share.
final class Stubs {
  static final RemoteAddress HOLE = new RemoteAddress(0x20_0000_0000L);
  static final long HOLE_BYTES = 0x100_0000;
  /// CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM
  static final long THREAD = 0x100 | 0x200 | 0x400 | 0x800 | 0x10000 | 0x40000;

  @FunctionalInterface
  interface Act<T> {
    T on(Ptrace ptrace, Stub stub) throws SyscallException;
  }

  private Stubs() {}

  static Deadline soon() {
    return Deadline.after(Duration.ofSeconds(20));
  }

  static <T> T inStub(TracerThread tracer, Act<T> act) throws SyscallException {
    return tracer.call(ptrace -> {
      try (Stub stub = Stub.spawn(ptrace, HOLE, HOLE_BYTES, List.of())) {
        return act.on(ptrace, stub);
      }
    });
  }

  static Results completed(Outcome outcome) {
    assertThat(outcome).isInstanceOf(Outcome.Completed.class);
    return ((Outcome.Completed) outcome).results();
  }

  static Operand imm(long value) {
    return Operand.imm(value);
  }

  /// Lets a stub go to run a batch by itself; the last call must end it.
  static void releaseInto(Stub stub, Region share, Batch batch) throws SyscallException {
    Part part = Part.plan(batch, 0, share.area(), share.areaBytes());
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment image = arena.allocate(part.lengthBytes(), 8);
      part.encode(image, new Progress(batch));
      stub.memory().write(part.area(), image);
    }
    stub.enter(StubCode.RUNNER, part.descriptors().bits(), batch.size(), 0);
    stub.release();
  }

  /// Sleeps, then makes one more call.
  static Batch later(int milliseconds, Nr nr, Operand... operands) {
    var batch = new Batch();
    Slot time = batch.data(Bytes.ofU64(milliseconds / 1000, milliseconds % 1000 * 1_000_000L));
    batch.call(Nr.NANOSLEEP, time.address(), imm(0));
    batch.call(nr, operands);
    return batch;
  }

  static String proc(Tid tid, String file) {
    try {
      return Files.readString(Path.of("/proc/" + tid + "/" + file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static void until(java.util.function.BooleanSupplier condition) {
    long end = System.nanoTime() + 20_000_000_000L;
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("waited too long").isLessThan(end);
      java.util.concurrent.locks.LockSupport.parkNanos(1_000_000);
    }
  }
}
