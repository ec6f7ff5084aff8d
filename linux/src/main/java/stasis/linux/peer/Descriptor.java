package stasis.linux.peer;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.PathBytes;
import stasis.linux.abi.SyscallException;
import stasis.linux.sys.Syscalls;

/// A descriptor of this process, to be closed by who has it.
public final class Descriptor implements AutoCloseable {
  private static final int AT_FDCWD = -100;
  private static final int AT_EMPTY_PATH = 0x1000;
  private static final int STAT_BYTES = 256;
  private static final int O_RDONLY = 0;
  private static final int O_RDWR = 2;
  private static final int O_NONBLOCK = 04000;
  private static final int O_CLOEXEC = 02000000;
  private static final int S_IFIFO = 0010000;
  private static final int OWNER_ONLY = 0600;
  private static final short POLLOUT = 4;
  private static final int ROOM = 4096;

  private final Fd fd;
  private boolean closed;

  Descriptor(long fd) {
    this.fd = new Fd(Math.toIntExact(fd));
  }

  /// A FIFO for its owner alone, mknod(2).
  public static void makeFifo(String path) throws SyscallException {
    try (Arena call = Arena.ofConfined()) {
      Syscalls.require("make the FIFO " + path, Nr.MKNODAT, AT_FDCWD, call.allocateFrom(path).address(),
          S_IFIFO | OWNER_ONLY, 0);
    }
  }

  /// The end of a FIFO that is read; does not wait for a writer (fifo(7)).
  public static Descriptor reading(String path) throws SyscallException {
    return open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  }

  /// Both ends of a FIFO, so that it can be written before there is a reader (fifo(7), Linux).
  public static Descriptor holding(String path) throws SyscallException {
    return open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  }

  private static Descriptor open(String path, int flags) throws SyscallException {
    try (Arena call = Arena.ofConfined()) {
      return new Descriptor(Syscalls.require("open " + path, Nr.OPENAT, AT_FDCWD, call.allocateFrom(path).address(),
          flags, 0));
    }
  }

  public Fd fd() {
    return fd;
  }

  /// What there is to read now.
  ///
  /// @return empty at the end, or after an error; no bytes where there are none yet
  public Optional<Bytes> read() {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment room = call.allocate(ROOM);
      long got = Syscalls.call(Nr.READ, fd.value(), room.address(), ROOM);
      if (got == -Errno.EAGAIN.number() || got == -Errno.EINTR.number()) {
        return Optional.of(Bytes.EMPTY);
      }
      return got <= 0 ? Optional.empty() : Optional.of(Bytes.of(room.asSlice(0, got).asByteBuffer()));
    }
  }

  /// Writes all of it, waiting for room where the descriptor does not block.
  ///
  /// @throws SyscallException EPIPE where nobody reads any more, EBADF where it was closed: its number may be another's
  public void write(byte[] content, int from, int lengthBytes) throws SyscallException {
    if (closed) {
      throw new SyscallException(Nr.WRITE, Errno.EBADF, "write to what was closed");
    }
    try (Arena call = Arena.ofConfined()) {
      MemorySegment bytes = call.allocate(Math.max(1, lengthBytes));
      MemorySegment.copy(content, from, bytes, JAVA_BYTE, 0, lengthBytes);
      long done = 0;
      while (done < lengthBytes) {
        long wrote = Syscalls.call(Nr.WRITE, fd.value(), bytes.address() + done, lengthBytes - done);
        if (wrote == -Errno.EAGAIN.number()) {
          awaitRoom(call);
        } else if (wrote >= 0) {
          done += wrote;
        } else if (wrote != -Errno.EINTR.number()) {
          throw new SyscallException(Nr.WRITE, Errno.of(wrote), "write to fd " + fd);
        }
      }
    }
  }

  private void awaitRoom(Arena call) {
    MemorySegment poll = call.allocate(8, 4);
    poll.set(JAVA_INT, 0, fd.value());
    poll.set(JAVA_INT, 4, POLLOUT);
    Syscalls.call(Nr.PPOLL, poll.address(), 1, 0, 0, 8);
  }

  /// Whether both are the same file: its device and inode.
  public boolean isSameFile(PathBytes path) {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment ours = call.allocate(STAT_BYTES, 8);
      MemorySegment theirs = call.allocate(STAT_BYTES, 8);
      long own = Syscalls.call(Nr.NEWFSTATAT, fd.value(), call.allocateFrom("").address(), ours.address(),
          AT_EMPTY_PATH);
      long other = Syscalls.call(Nr.NEWFSTATAT, AT_FDCWD, call.allocateFrom(path.latin1()).address(),
          theirs.address(), 0);
      // struct stat begins with st_dev and st_ino, 8 bytes each.
      return own == 0 && other == 0 && ours.asSlice(0, 16).mismatch(theirs.asSlice(0, 16)) == -1;
    }
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      Syscalls.call(Nr.CLOSE, fd.value());
    }
  }
}
