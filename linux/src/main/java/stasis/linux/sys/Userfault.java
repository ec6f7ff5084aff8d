package stasis.linux.sys;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Uffd;
import stasis.linux.abi.UffdMessage;

/// A userfaultfd that this process holds, of whatever memory it was made in: userfaultfd(2) ties it to the mm of its
/// caller, and whoever has the descriptor may use it. The last close of it lets go of all its memory: pages that are
/// missing then read as zeros. Any thread may use it.
public record Userfault(Fd fd) implements AutoCloseable {
  /// Agrees on the interface; first of all, and once.
  ///
  /// @param features `FEATURE_` bits of [Uffd]
  /// @throws SyscallException EINVAL: not this kernel; EPERM: FEATURE_EVENT_FORK without CAP_SYS_PTRACE
  ///     (fs/userfaultfd.c, userfaultfd_api())
  public void agree(long features) throws SyscallException {
    try (Arena call = Arena.ofConfined()) {
      ioctl("agree with a userfaultfd", Uffd.IOCTL_API, call.allocateFrom(JAVA_LONG, Uffd.API, features, 0));
    }
  }

  /// @param modes `REGISTER_MODE_` bits
  /// @return 0, or minus errno; EINVAL: memory of a kind that cannot be registered, or nothing is mapped there; EBUSY:
  ///     it is another's
  public long register(RemoteAddress start, long lengthBytes, long modes) {
    try (Arena call = Arena.ofConfined()) {
      return tryIoctl(Uffd.IOCTL_REGISTER, call.allocateFrom(JAVA_LONG, start.bits(), lengthBytes, modes, 0));
    }
  }

  /// Wakes whoever waits there too.
  ///
  /// @return 0, or minus errno
  public long unregister(RemoteAddress start, long lengthBytes) {
    return range(Uffd.IOCTL_UNREGISTER, start, lengthBytes);
  }

  /// Lets those who wait for this range try again.
  ///
  /// @return 0, or minus errno
  public long wake(RemoteAddress start, long lengthBytes) {
    return range(Uffd.IOCTL_WAKE, start, lengthBytes);
  }

  /// Puts pages in at once, each if it is missing, and wakes those who wait for them.
  ///
  /// @param from our own address, page-aligned
  /// @return how many bytes were put in before one page that could not be, or minus errno of the first: EEXIST it is
  ///     there; EAGAIN the memory is changing, read messages first; ENOENT not registered there; ESRCH the mm is gone
  public long copy(RemoteAddress to, long from, long lengthBytes, long mode) {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment argument = call.allocateFrom(JAVA_LONG, to.bits(), from, lengthBytes, mode, 0);
      return moved(tryIoctl(Uffd.IOCTL_COPY, argument), argument.get(JAVA_LONG, 32));
    }
  }

  /// As [#copy], with zeros.
  public long zero(RemoteAddress to, long lengthBytes, long mode) {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment argument = call.allocateFrom(JAVA_LONG, to.bits(), lengthBytes, mode, 0);
      return moved(tryIoctl(Uffd.IOCTL_ZEROPAGE, argument), argument.get(JAVA_LONG, 24));
    }
  }

  /// @param mode `WRITEPROTECT_MODE_WP` to protect, 0 to lift that @return 0, or minus errno
  public long writeProtect(RemoteAddress start, long lengthBytes, long mode) {
    try (Arena call = Arena.ofConfined()) {
      return tryIoctl(Uffd.IOCTL_WRITEPROTECT, call.allocateFrom(JAVA_LONG, start.bits(), lengthBytes, mode));
    }
  }

  /// Reads what there is to tell, oldest first; nothing where the descriptor does not block and nothing happened.
  ///
  /// @param buffer as many messages as fit, aligned to 8
  public List<UffdMessage> read(MemorySegment buffer) throws SyscallException {
    long got = Syscalls.call(Nr.READ, fd.value(), buffer.address(), buffer.byteSize());
    if (got == -Errno.EAGAIN.number() || got == -Errno.EINTR.number()) {
      return List.of();
    }
    if (Errno.isError(got)) {
      throw new SyscallException(Nr.READ, Errno.of(got), "read a userfaultfd");
    }
    var messages = new ArrayList<UffdMessage>();
    for (long at = 0; at < got; at += Uffd.MESSAGE_BYTES) {
      messages.add(UffdMessage.decode(buffer.asSlice(at, Uffd.MESSAGE_BYTES)));
    }
    return messages;
  }

  @Override
  public void close() {
    Syscalls.call(Nr.CLOSE, fd.value());
  }

  /// The kernel answers an interrupted transfer with EAGAIN and tells how far it came (fs/userfaultfd.c,
  /// userfaultfd_copy()).
  private static long moved(long result, long bytes) {
    if (result == 0 || result == -Errno.EAGAIN.number() && bytes > 0) {
      return bytes;
    }
    return result;
  }

  private long range(long request, RemoteAddress start, long lengthBytes) {
    try (Arena call = Arena.ofConfined()) {
      return tryIoctl(request, call.allocateFrom(JAVA_LONG, start.bits(), lengthBytes));
    }
  }

  private long tryIoctl(long request, MemorySegment argument) {
    return Syscalls.call(Nr.IOCTL, fd.value(), request, argument.address());
  }

  private void ioctl(String attempt, long request, MemorySegment argument) throws SyscallException {
    long result = tryIoctl(request, argument);
    if (Errno.isError(result)) {
      throw new SyscallException(Nr.IOCTL, Errno.of(result), attempt);
    }
  }
}
