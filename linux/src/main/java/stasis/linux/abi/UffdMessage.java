package stasis.linux.abi;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;

/// What a userfaultfd tells of its memory (`struct uffd_msg`). Who made the event waits until it has been read.
public sealed interface UffdMessage {
  int PAGEFAULT = 0x12;
  int FORK = 0x13;
  int REMAP = 0x14;
  int REMOVE = 0x15;
  int UNMAP = 0x16;

  /// A thread waits for the page that holds `address`.
  record Fault(RemoteAddress address, long flags) implements UffdMessage {}

  /// The process has forked. `child` is a new userfaultfd of ours, for the child's memory.
  record Fork(Fd child) implements UffdMessage {}

  /// mremap(2) has moved memory.
  record Remap(RemoteAddress from, RemoteAddress to, long lengthBytes) implements UffdMessage {}

  /// madvise(2) is about to drop pages: they will be zeros.
  record Remove(RemoteAddress start, RemoteAddress end) implements UffdMessage {}

  /// Memory was unmapped.
  record Unmap(RemoteAddress start, RemoteAddress end) implements UffdMessage {}

  /// @param message of MESSAGE_BYTES, aligned to 8
  /// @throws IllegalArgumentException an event that no feature of [Uffd] asks for
  static UffdMessage decode(MemorySegment message) {
    long first = message.get(JAVA_LONG, 8);
    long second = message.get(JAVA_LONG, 16);
    int event = Byte.toUnsignedInt(message.get(JAVA_BYTE, 0));
    return switch (event) {
      case PAGEFAULT -> new Fault(new RemoteAddress(second), first);
      case FORK -> new Fork(new Fd(message.get(JAVA_INT, 8)));
      case REMAP -> new Remap(new RemoteAddress(first), new RemoteAddress(second), message.get(JAVA_LONG, 24));
      case REMOVE -> new Remove(new RemoteAddress(first), new RemoteAddress(second));
      case UNMAP -> new Unmap(new RemoteAddress(first), new RemoteAddress(second));
      default -> throw new IllegalArgumentException("a userfaultfd tells of event " + event);
    };
  }
}
