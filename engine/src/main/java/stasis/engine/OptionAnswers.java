package stasis.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;
import stasis.resource.OptionQuery;

/// Many options of one socket, asked for into one buffer: a socket has a hundred, of which few are not what a new one
/// has, and the program stands still meanwhile.
final class OptionAnswers {
  private static final int ROOM_BYTES = 4096;

  private OptionAnswers() {}

  /// @return the answers that are not expected, by index; none for what the socket does not have
  static Map<Integer, Bytes> of(int fd, List<OptionQuery> queries) {
    Map<Integer, Bytes> found = new HashMap<>();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(ROOM_BYTES, 16);
      MemorySegment length = arena.allocate(ValueLayout.JAVA_INT);
      for (int i = 0; i < queries.size(); i++) {
        OptionQuery query = queries.get(i);
        int room = Math.min(ROOM_BYTES, query.roomBytes());
        length.set(ValueLayout.JAVA_INT, 0, room);
        if (!Errno.isError(Syscalls.call(Nr.GETSOCKOPT, fd, query.level(), query.name(), value.address(),
            length.address()))) {
          int told = Math.max(0, Math.min(room, length.get(ValueLayout.JAVA_INT, 0)));
          if (!isExpected(query, value, told)) {
            found.put(i, Bytes.of(value.asSlice(0, told).asByteBuffer()));
          }
        }
      }
    }
    return found;
  }

  private static boolean isExpected(OptionQuery query, MemorySegment value, int lengthBytes) {
    for (Bytes expected : query.expected()) {
      if (expected.length() == lengthBytes && begins(value, expected)) {
        return true;
      }
    }
    return false;
  }

  private static boolean begins(MemorySegment value, Bytes expected) {
    int at = 0;
    for (; at + 4 <= expected.length(); at += 4) {
      if (value.get(ValueLayout.JAVA_INT, at) != expected.u32(at)) {
        return false;
      }
    }
    for (; at < expected.length(); at++) {
      if ((value.get(ValueLayout.JAVA_BYTE, at) & 0xff) != expected.u8(at)) {
        return false;
      }
    }
    return true;
  }
}
