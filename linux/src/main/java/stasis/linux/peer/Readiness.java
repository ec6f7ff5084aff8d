package stasis.linux.peer;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;

/// Waits for descriptors, ppoll(2).
public final class Readiness {
  private static final short POLLIN = 1;
  private static final int POLLFD_BYTES = 8;

  private Readiness() {}

  /// @param timeoutMs how long at most
  /// @return those that can be read, or have ended; none at the time out or after a signal
  public static List<Descriptor> await(List<Descriptor> among, long timeoutMs) {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment polls = call.allocate((long) POLLFD_BYTES * Math.max(1, among.size()), 8);
      for (int i = 0; i < among.size(); i++) {
        polls.set(JAVA_INT, (long) i * POLLFD_BYTES, among.get(i).fd().value());
        polls.set(JAVA_SHORT, (long) i * POLLFD_BYTES + 4, POLLIN);
      }
      MemorySegment time = call.allocateFrom(JAVA_LONG, timeoutMs / 1000, timeoutMs % 1000 * 1_000_000);
      long count = Syscalls.call(Nr.PPOLL, polls.address(), among.size(), time.address(), 0, 8);
      List<Descriptor> ready = new ArrayList<>();
      for (int i = 0; count > 0 && i < among.size(); i++) {
        if (polls.get(JAVA_SHORT, (long) i * POLLFD_BYTES + 6) != 0) {
          ready.add(among.get(i));
        }
      }
      return ready;
    }
  }
}
