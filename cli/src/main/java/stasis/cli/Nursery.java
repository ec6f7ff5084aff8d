package stasis.cli;

import stasis.linux.peer.OwnProcess;

/// Where the JVM puts what is new. What has ended there stays in its pages, and would go into a start-up image; a process
/// that starts from that has each of them copied before it writes to it.
final class Nursery {
  /// Of the 19 MiB that its larger part has ([WarmVerb]).
  private static final int MOST_BYTES = 17 << 20;
  private static final int PIECE_BYTES = 64 << 10;
  private static final long COLLECTED_BYTES = 4 << 20;

  private Nursery() {}

  /// Leaves it empty, and most of it without pages: what a program needs next comes as zeros.
  static void clean() {
    fill();
    OwnProcess.giveBack(new byte[MOST_BYTES]);
    fill();
  }

  /// Until it is collected.
  private static void fill() {
    long free = Runtime.getRuntime().freeMemory();
    long before;
    do {
      before = free;
      use(new byte[PIECE_BYTES]);
      free = Runtime.getRuntime().freeMemory();
    } while (free - before < COLLECTED_BYTES);
  }

  private static void use(byte[] piece) {
    piece[0] = 1;
  }
}
