package stasis.linux.bpf;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.ThreadLocalRandom;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.sys.Syscalls;

/// A pair of sockets of ours with something in a queue that nothing else in the kernel's memory is like.
///
/// @param inode of the one that received `content`, in one message
record Sample(int sender, int receiver, long inode, Bytes content) implements AutoCloseable {
  private static final int AF_UNIX = 1;
  private static final int SOCK_STREAM_CLOEXEC = 1 | 0x80000;
  /// More than the kernel puts anywhere but into pages (net/unix/af_unix.c, unix_stream_sendmsg()).
  private static final int CONTENT_BYTES = 1 << 16;
  private static final int STAT_BYTES = 144;
  private static final int INODE_AT = 8;

  static Sample make() throws SyscallException {
    byte[] content = new byte[CONTENT_BYTES];
    ThreadLocalRandom.current().nextBytes(content);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment pair = arena.allocate(JAVA_INT, 2);
      Syscalls.require("make a pair of sockets", Nr.SOCKETPAIR, AF_UNIX, SOCK_STREAM_CLOEXEC, 0, pair.address());
      int sender = pair.get(JAVA_INT, 0);
      int receiver = pair.get(JAVA_INT, 4);
      try {
        MemorySegment stat = arena.allocate(STAT_BYTES, 8);
        Syscalls.require("look at a socket", Nr.FSTAT, receiver, stat.address());
        MemorySegment data = arena.allocateFrom(JAVA_BYTE, content);
        Syscalls.require("fill a socket", Nr.WRITE, sender, data.address(), CONTENT_BYTES);
        return new Sample(sender, receiver, stat.get(JAVA_LONG, INODE_AT), Bytes.of(content));
      } catch (SyscallException e) {
        Syscalls.call(Nr.CLOSE, sender);
        Syscalls.call(Nr.CLOSE, receiver);
        throw e;
      }
    }
  }

  @Override
  public void close() {
    Syscalls.call(Nr.CLOSE, sender);
    Syscalls.call(Nr.CLOSE, receiver);
  }
}
