package stasis.engine;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;

/// clock_gettime(2).
final class Clocks {
  static final int REALTIME = 0;
  static final int MONOTONIC = 1;
  static final int BOOTTIME = 7;

  private Clocks() {}

  static long nowNs(int clockId) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment time = arena.allocate(16, 8);
      Syscalls.call(Nr.CLOCK_GETTIME, clockId, time.address());
      return time.get(JAVA_LONG, 0) * 1_000_000_000L + time.get(JAVA_LONG, 8);
    }
  }
}
