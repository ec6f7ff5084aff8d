package stasis.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;
import stasis.procfs.Proc;
import stasis.procfs.ProcException;
import stasis.procfs.ProcTask;

/// Connections of a stub to itself, so that what describes sockets is warm before a program with sockets stands still.
/// Made and ended in repair mode: no packet is sent for them.
final class RehearsedSockets implements AutoCloseable {
  /// Rounds of a rehearsal times these are sockets enough for all code to be compiled; few sockets are not worth it.
  private static final int PAIRS_MAX = 32;
  private static final int SOCKETS_FOR_A_PAIR = 4;
  private static final int AF_INET = 2;
  private static final int STREAM_CLOEXEC = 1 | 0x80000;
  private static final int ADDRESS_BYTES = 16;
  private static final int LOOPBACK = 0x0100007f;
  private static final int IPPROTO_TCP = 6;
  private static final int TCP_REPAIR = 19;
  private static final int REPAIR_ON = 1;
  private static final int REPAIR_OFF_QUIET = -1;

  private final List<Fd> fds = new ArrayList<>();

  /// As many as the sockets of a tree are worth; none where repair mode is not allowed.
  static RehearsedSockets of(Proc proc, Tid root) {
    var sockets = new RehearsedSockets();
    int pairs = count(proc.task(root), proc, PAIRS_MAX * SOCKETS_FOR_A_PAIR) / SOCKETS_FOR_A_PAIR;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment room = arena.allocate(2L * ADDRESS_BYTES, 8);
      for (int i = 0; i < pairs && sockets.pair(room); i++) { }
    }
    return sockets;
  }

  /// @param enough where to stop counting
  private static int count(ProcTask task, Proc proc, int enough) {
    int count = 0;
    try {
      for (Iterator<Fd> fds = task.fds().iterator(); fds.hasNext() && count < enough;) {
        count += task.fdLink(fds.next()).target().latin1().startsWith("socket:") ? 1 : 0;
      }
      for (Tid thread : count < enough ? task.threads() : List.<Tid>of()) {
        for (Tid child : task.thread(thread).children()) {
          count += count(proc.task(child), proc, enough - count);
        }
      }
    } catch (ProcException e) {
      // It has ended, or may not be looked at: the freeze will tell.
      return count;
    }
    return count;
  }

  List<Fd> fds() {
    return List.copyOf(fds);
  }

  /// @return whether it could be made
  private boolean pair(MemorySegment room) {
    int[] ends = {bound(room, 0), bound(room, ADDRESS_BYTES)};
    boolean made = ends[0] >= 0 && ends[1] >= 0;
    for (int i = 0; i < ends.length; i++) {
      if (ends[i] >= 0) {
        fds.add(new Fd(ends[i]));
      }
      made = made && !Errno.isError(Syscalls.call(Nr.CONNECT, ends[i], room.address() + (1L - i) * ADDRESS_BYTES,
          ADDRESS_BYTES));
    }
    for (int end : ends) {
      made = made && repair(end, REPAIR_OFF_QUIET);
    }
    return made;
  }

  /// @return a socket in repair mode, its address written at `at`; negative where there is none
  private static int bound(MemorySegment room, int at) {
    int fd = (int) Syscalls.call(Nr.SOCKET, AF_INET, STREAM_CLOEXEC, 0);
    room.asSlice(at, ADDRESS_BYTES).fill((byte) 0);
    room.set(ValueLayout.JAVA_SHORT, at, (short) AF_INET);
    room.set(ValueLayout.JAVA_INT, at + 4L, LOOPBACK);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment length = arena.allocateFrom(ValueLayout.JAVA_INT, ADDRESS_BYTES);
      if (fd >= 0 && (!repair(fd, REPAIR_ON)
          || Errno.isError(Syscalls.call(Nr.BIND, fd, room.address() + at, ADDRESS_BYTES))
          || Errno.isError(Syscalls.call(Nr.GETSOCKNAME, fd, room.address() + at, length.address())))) {
        Syscalls.call(Nr.CLOSE, fd);
        return -1;
      }
    }
    return fd;
  }

  private static boolean repair(int fd, int how) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocateFrom(ValueLayout.JAVA_INT, how);
      return !Errno.isError(Syscalls.call(Nr.SETSOCKOPT, fd, IPPROTO_TCP, TCP_REPAIR, value.address(), 4));
    }
  }

  /// In repair mode: silently.
  void hush() {
    fds.forEach(fd -> repair(fd.value(), REPAIR_ON));
  }

  @Override
  public void close() {
    fds.forEach(fd -> Syscalls.call(Nr.CLOSE, fd.value()));
  }
}
