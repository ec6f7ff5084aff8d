package stasis.engine;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.sys.Syscalls;

/// What two processes of the engine tell each other: bytes in a file without a name (memfd_create(2)), and a pipe that
/// ends with who holds it.
final class Handover {
  private static final int MFD_CLOEXEC = 1;
  private static final int O_CLOEXEC = 0x80000;
  private static final int PIECE_BYTES = 1 << 20;

  private Handover() {}

  /// An empty file.
  static Fd file(String name) throws SyscallException {
    try (Arena arena = Arena.ofConfined()) {
      return new Fd((int) Syscalls.require("make a file in memory", Nr.MEMFD_CREATE,
          arena.allocateFrom(name).address(), MFD_CLOEXEC));
    }
  }

  static void close(Fd fd) {
    Syscalls.call(Nr.CLOSE, fd.value());
  }

  /// All of a file.
  static Bytes read(int fd) throws SyscallException {
    var all = new ByteArrayOutputStream();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment piece = arena.allocate(PIECE_BYTES);
      while (true) {
        long got = Syscalls.require("read what was handed over", Nr.PREAD64, fd, piece.address(), PIECE_BYTES,
            all.size());
        if (got == 0) {
          return Bytes.of(all.toByteArray());
        }
        all.writeBytes(piece.asSlice(0, got).toArray(ValueLayout.JAVA_BYTE));
      }
    }
  }

  /// @throws IllegalStateException when memory is full
  static void write(int fd, Bytes bytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment content = arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes.toArray());
      for (long done = 0; done < bytes.length();) {
        long wrote = Syscalls.call(Nr.PWRITE64, fd, content.address() + done, bytes.length() - done, done);
        if (wrote <= 0) {
          throw new IllegalStateException("nothing can be handed over: " + Errno.of(wrote));
        }
        done += wrote;
      }
    }
  }

  /// @return the end to read, and the one to hold
  static Ends pipe() throws SyscallException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment ends = arena.allocate(ValueLayout.JAVA_INT, 2);
      Syscalls.require("make a pipe", Nr.PIPE2, ends.address(), O_CLOEXEC);
      return new Ends(new Fd(ends.getAtIndex(ValueLayout.JAVA_INT, 0)),
          new Fd(ends.getAtIndex(ValueLayout.JAVA_INT, 1)));
    }
  }

  record Ends(Fd read, Fd held) implements AutoCloseable {
    @Override
    public void close() {
      Handover.close(read);
      Handover.close(held);
    }
  }

  /// Ends this process, at once, when nobody holds the other end of a pipe any more.
  static void endWith(int pipe) {
    Thread.ofPlatform().name("stasis-life").daemon(true).start(() -> {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment unit = arena.allocate(1);
        while (Syscalls.call(Nr.READ, pipe, unit.address(), 1) == -Errno.EINTR.number()) {
          Thread.onSpinWait();
        }
      }
      Runtime.getRuntime().halt(1);
    });
  }
}
