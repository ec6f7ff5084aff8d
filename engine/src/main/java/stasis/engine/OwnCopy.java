package stasis.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.sys.Syscalls;
import stasis.resource.Answer;
import stasis.resource.Arg;

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
            MemorySegment buffer = arena.allocate(Math.max(1, value.length()), 16);
            MemorySegment.copy(MemorySegment.ofArray(value.toArray()), 0, buffer, 0, value.length());
            buffers.put(i, buffer.asSlice(0, value.length()));
            yield buffer.address();
          }
          case Arg.Space(int lengthBytes) -> {
            MemorySegment buffer = arena.allocate(lengthBytes, 16);
            buffers.put(i, buffer);
            yield buffer.address();
          }
          case Arg.Result _, Arg.Output _, Arg.Struct _ ->
              throw new IllegalArgumentException("the engine's own calls depend on no program");
        };
      }
      long result = Syscalls.call(nr, values);
      Map<Integer, Bytes> outputs = new HashMap<>();
      buffers.forEach((i, buffer) -> outputs.put(i, Bytes.of(buffer.asByteBuffer())));
      return new Answer(result, outputs);
    }
  }
}
