package stasis.linux.peer;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;

/// A stream socket with a name in the file system, unix(7), that waits for peers.
public final class LocalSocket implements AutoCloseable {
  private static final int AT_FDCWD = -100;
  private static final int AF_UNIX = 1;
  private static final int STREAM_NONBLOCK_CLOEXEC = 1 | 04000 | 02000000;
  private static final int NONBLOCK_CLOEXEC = 04000 | 02000000;
  private static final int SOL_SOCKET = 1;
  private static final int SO_PEERCRED = 17;
  private static final int BACKLOG = 64;
  private static final int OWNER_ONLY = 0600;
  private static final int PATH_BYTES = 108;

  private final Descriptor listening;

  private LocalSocket(Descriptor listening) {
    this.listening = listening;
  }

  /// A peer as it was when it connected (SO_PEERCRED).
  ///
  /// @param pid in this pid namespace; none where it is of another @param uid its effective one
  public record Peer(Descriptor connection, Optional<Tid> pid, int uid) {}

  /// Bound with mode 0600 before it listens: nobody else ever gets in.
  public static LocalSocket listen(String path) throws SyscallException {
    byte[] name = path.getBytes(StandardCharsets.UTF_8);
    if (name.length >= PATH_BYTES) {
      throw new SyscallException(Nr.BIND, Errno.ENAMETOOLONG, "name a socket " + path,
          "names of sockets have 107 bytes at most");
    }
    Descriptor socket = new Descriptor(Syscalls.require("make a socket", Nr.SOCKET, AF_UNIX, STREAM_NONBLOCK_CLOEXEC,
        0));
    try (Arena call = Arena.ofConfined()) {
      MemorySegment address = call.allocate(2 + PATH_BYTES, 2);
      address.set(JAVA_SHORT, 0, (short) AF_UNIX);
      address.asSlice(2, name.length).copyFrom(MemorySegment.ofArray(name));
      Syscalls.require("bind a socket to " + path, Nr.BIND, socket.fd().value(), address.address(), 3 + name.length);
      Syscalls.require("keep others from " + path, Nr.FCHMODAT, AT_FDCWD, call.allocateFrom(path).address(),
          OWNER_ONLY);
      Syscalls.require("listen at " + path, Nr.LISTEN, socket.fd().value(), BACKLOG);
      return new LocalSocket(socket);
    } catch (SyscallException e) {
      socket.close();
      throw e;
    }
  }

  /// To wait for.
  public Descriptor descriptor() {
    return listening;
  }

  /// @return empty where nobody waits any more; the connection does not block
  public Optional<Peer> accept() {
    long connection = Syscalls.call(Nr.ACCEPT4, listening.fd().value(), 0, 0, NONBLOCK_CLOEXEC);
    if (Errno.isError(connection)) {
      return Optional.empty();
    }
    Descriptor peer = new Descriptor(connection);
    try (Arena call = Arena.ofConfined()) {
      MemorySegment ucred = call.allocate(12, 4);
      MemorySegment length = call.allocateFrom(JAVA_INT, 12);
      if (Syscalls.call(Nr.GETSOCKOPT, peer.fd().value(), SOL_SOCKET, SO_PEERCRED, ucred.address(), length.address())
          != 0) {
        peer.close();
        return Optional.empty();
      }
      return Optional.of(new Peer(peer, Optional.of(ucred.get(JAVA_INT, 0)).filter(pid -> pid > 0).map(Tid::new),
          ucred.get(JAVA_INT, 4)));
    }
  }

  @Override
  public void close() {
    listening.close();
  }
}
