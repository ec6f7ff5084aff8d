package stasis.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.sys.Syscalls;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.OwnCall;

/// A syscall of the engine's own, with the buffers a kind asked for; and the engine's copies of a task's files.
final class OwnCopy implements AutoCloseable {
  private final int fd;

  private OwnCopy(int fd) {
    this.fd = fd;
  }

  /// The very description a task has open (pidfd_getfd(2)); needs PTRACE_MODE_ATTACH_REALCREDS.
  static OwnCopy of(int pidfd, Fd remote, String subject) throws SyscallException {
    return new OwnCopy((int) Syscalls.require("take a copy of " + subject, Nr.PIDFD_GETFD, pidfd, remote.value(), 0));
  }

  /// One that came to the engine with a message.
  static OwnCopy received(int fd) {
    return new OwnCopy(fd);
  }

  int fd() {
    return fd;
  }

  Answer ask(Nr nr, List<Arg> args) {
    return call(nr, args, Optional.of(fd));
  }

  @Override
  public void close() {
    Syscalls.call(Nr.CLOSE, fd);
  }

  /// @return what the first call that failed answered, or the last
  Answer make(List<OwnCall> calls) {
    return make(calls, this::ask);
  }

  /// Calls that are about no file.
  static void makeOwn(List<OwnCall> calls) {
    make(calls, (nr, args) -> call(nr, args, Optional.empty()));
  }

  private static Answer make(List<OwnCall> calls, BiFunction<Nr, List<Arg>, Answer> ask) {
    var results = new ArrayList<Long>();
    Optional<Answer> failed = Optional.empty();
    Answer last = new Answer(0, Map.of());
    for (OwnCall call : calls) {
      List<Arg> args = call.args().stream()
          .map(arg -> arg instanceof Arg.Result(var of) ? Arg.imm(results.get(of.step())) : arg).toList();
      last = ask.apply(call.nr(), args);
      results.add(last.result());
      if (last.failed() && failed.isEmpty()) {
        failed = Optional.of(last);
      }
    }
    return failed.orElse(last);
  }

  /// @param self what [Arg.Self] stands for
  static Answer call(Nr nr, List<Arg> args, Optional<Integer> self) {
    try (Arena arena = Arena.ofConfined()) {
      long[] values = new long[args.size()];
      Map<Integer, MemorySegment> buffers = new HashMap<>();
      for (int i = 0; i < values.length; i++) {
        values[i] = switch (args.get(i)) {
          case Arg.Imm(long value) -> value;
          case Arg.Self() -> self.orElseThrow();
          case Arg.Data(Bytes value) -> {
            MemorySegment buffer = copy(arena, value);
            buffers.put(i, buffer.asSlice(0, value.length()));
            yield buffer.address();
          }
          case Arg.Space(int lengthBytes) -> {
            MemorySegment buffer = arena.allocate(lengthBytes, 16);
            buffers.put(i, buffer);
            yield buffer.address();
          }
          case Arg.Struct(Bytes template, var patches) -> struct(arena, template, patches);
          case Arg.Result _, Arg.Output _ ->
              throw new IllegalArgumentException("the engine's own calls depend on no program");
        };
      }
      long result = Syscalls.call(nr, values);
      Map<Integer, Bytes> outputs = new HashMap<>();
      buffers.forEach((i, buffer) -> outputs.put(i, Bytes.of(buffer.asByteBuffer())));
      return new Answer(result, outputs);
    }
  }

  private static long struct(Arena arena, Bytes template, List<Arg.Patch> patches) {
    MemorySegment buffer = copy(arena, template);
    for (Arg.Patch patch : patches) {
      long value = switch (patch.value()) {
        case Arg.Imm(long number) -> number;
        case Arg.Data(Bytes content) -> copy(arena, content).address();
        default -> throw new IllegalArgumentException("no part of a struct of the engine's own: " + patch.value());
      };
      if (patch.width() == 8) {
        buffer.set(ValueLayout.JAVA_LONG_UNALIGNED, patch.offset(), value);
      } else {
        buffer.set(ValueLayout.JAVA_INT_UNALIGNED, patch.offset(), (int) value);
      }
    }
    return buffer.address();
  }

  private static MemorySegment copy(Arena arena, Bytes content) {
    MemorySegment buffer = arena.allocate(Math.max(1, content.length()), 16);
    MemorySegment.copy(MemorySegment.ofArray(content.toArray()), 0, buffer, 0, content.length());
    return buffer;
  }
}
