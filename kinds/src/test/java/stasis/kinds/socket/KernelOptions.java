package stasis.kinds.socket;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Set;
import java.util.TreeSet;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;

/// Asks the running kernel which numbers it takes for socket options.
final class KernelOptions {
  private static final int NUMBERS = 140;
  private static final int ROOM_BYTES = 256;

  private KernelOptions() {}

  /// Those of a new socket of this sort; none where there is no such socket.
  static Set<Integer> of(int family, int type, int protocol, int level) {
    var known = new TreeSet<Integer>();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment room = arena.allocate(ROOM_BYTES, 8);
      MemorySegment length = arena.allocate(ValueLayout.JAVA_INT);
      for (int name = 1; name < NUMBERS; name++) {
        // What setting one did must not be in the way of the next.
        long fd = Syscalls.call(Nr.SOCKET, family, type, protocol);
        if (fd < 0) {
          return known;
        }
        room.fill((byte) 0);
        length.set(ValueLayout.JAVA_INT, 0, ROOM_BYTES);
        boolean told = isKnown(Syscalls.call(Nr.GETSOCKOPT, fd, level, name, room.address(), length.address()));
        room.fill((byte) 0);
        if (told || isKnown(Syscalls.call(Nr.SETSOCKOPT, fd, level, name, room.address(), 4))) {
          known.add(name);
        }
        Syscalls.call(Nr.CLOSE, fd);
      }
    }
    return known;
  }

  private static boolean isKnown(long result) {
    return result != -Errno.ENOPROTOOPT.number() && result != -Errno.EOPNOTSUPP.number();
  }
}
