package stasis.linux.probe;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;

/// Memory and file descriptors that one probe borrows; closing gives both back.
final class Scratch implements AutoCloseable {
  private final Arena arena = Arena.ofConfined();
  private final java.util.ArrayDeque<Long> fds = new java.util.ArrayDeque<>();

  /// @return address of a copy of the words, 8 bytes each
  long u64(long... words) {
    MemorySegment copy = arena.allocate(words.length * 8L, 8);
    MemorySegment.copy(words, 0, copy, ValueLayout.JAVA_LONG, 0, words.length);
    return copy.address();
  }

  long u32(int... words) {
    MemorySegment copy = arena.allocate(words.length * 4L, 8);
    MemorySegment.copy(words, 0, copy, ValueLayout.JAVA_INT, 0, words.length);
    return copy.address();
  }

  long cString(String text) {
    return arena.allocateFrom(text).address();
  }

  /// A block the kernel writes into.
  MemorySegment out(long lengthBytes) {
    return arena.allocate(lengthBytes, 8);
  }

  MemorySegment pointers(long... addresses) {
    MemorySegment copy = arena.allocate((addresses.length + 1) * 8L, 8);
    MemorySegment.copy(addresses, 0, copy, ValueLayout.JAVA_LONG, 0, addresses.length);
    return copy;
  }

  /// Calls what returns a new fd, which closes with this scratch.
  ///
  /// @return the fd, or minus errno
  long open(Nr nr, long... args) {
    long fd = Syscalls.call(nr, args);
    if (!Errno.isError(fd)) {
      fds.push(fd);
    }
    return fd;
  }

  @Override
  public void close() {
    fds.forEach(fd -> Syscalls.call(Nr.CLOSE, fd));
    arena.close();
  }

  /// Present unless the call said no; then with its errno.
  static Finding verdict(Feature feature, long result) {
    return Errno.isError(result) ? Finding.missing(feature, Errno.of(result).name()) : Finding.present(feature);
  }
}
