package stasis.engine;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.sys.SyscallBatch;
import stasis.linux.sys.Syscalls;
import stasis.resource.OptionQuery;

/// Asks sockets for all their options at once. Sockets of a program are mostly alike: what was answered lately in the
/// very same words means the same again.
final class OptionReader {
  private static final int REMEMBERED = 4;

  private final Map<List<OptionQuery>, Asking> askings = new IdentityHashMap<>();

  List<OptionQuery.Found> read(int fd, List<OptionQuery> queries) {
    return queries.isEmpty() ? List.of() : askings.computeIfAbsent(queries, Asking::new).of(fd);
  }

  private record Known(long[] answer, List<OptionQuery.Found> found) {}

  /// One list of questions: the calls, then the length of each value, then the values.
  private static final class Asking {
    private final List<OptionQuery> queries;
    private final long[] template;
    private final int[] valueAt;
    private final MemorySegment memory;
    private final Deque<Known> known = new ArrayDeque<>();

    Asking(List<OptionQuery> queries) {
      this.queries = queries;
      int count = queries.size();
      valueAt = new int[count];
      int words = count * (SyscallBatch.WORDS + 1);
      for (int i = 0; i < count; i++) {
        valueAt[i] = words;
        words += (queries.get(i).roomBytes() + Long.BYTES - 1) / Long.BYTES;
      }
      memory = Arena.ofAuto().allocate((long) words * Long.BYTES, Long.BYTES);
      template = new long[words];
      for (int i = 0; i < count; i++) {
        OptionQuery query = queries.get(i);
        int at = i * SyscallBatch.WORDS;
        template[at] = Nr.GETSOCKOPT.on(Syscalls.HOST);
        template[at + 2] = query.level();
        template[at + 3] = query.name();
        template[at + 4] = memory.address() + (long) valueAt[i] * Long.BYTES;
        template[at + 5] = memory.address() + (long) lengthAt(i) * Long.BYTES;
        template[lengthAt(i)] = query.roomBytes();
      }
    }

    private int lengthAt(int query) {
      return queries.size() * SyscallBatch.WORDS + query;
    }

    List<OptionQuery.Found> of(int fd) {
      long[] now = template.clone();
      address(now, fd);
      MemorySegment.copy(now, 0, memory, JAVA_LONG, 0, now.length);
      SyscallBatch.run(memory, queries.size());
      MemorySegment.copy(memory, JAVA_LONG, 0, now, 0, now.length);
      address(now, 0);
      for (Known one : known) {
        if (Arrays.equals(one.answer(), now)) {
          return one.found();
        }
      }
      List<OptionQuery.Found> found = found(now);
      known.addFirst(new Known(now, found));
      if (known.size() > REMEMBERED) {
        known.removeLast();
      }
      return found;
    }

    private void address(long[] calls, int fd) {
      for (int i = 0; i < queries.size(); i++) {
        calls[i * SyscallBatch.WORDS + SyscallBatch.FIRST] = fd;
      }
    }

    private List<OptionQuery.Found> found(long[] answer) {
      var found = new ArrayList<OptionQuery.Found>();
      MemorySegment bytes = MemorySegment.ofArray(answer);
      for (int i = 0; i < queries.size(); i++) {
        OptionQuery query = queries.get(i);
        if (Errno.isError(answer[i * SyscallBatch.WORDS + SyscallBatch.RESULT])) {
          continue;
        }
        int length = Math.clamp((int) answer[lengthAt(i)], 0, query.roomBytes());
        Bytes value = Bytes.of(bytes.asSlice((long) valueAt[i] * Long.BYTES, length).toArray(JAVA_BYTE));
        if (!query.usual().contains(value)) {
          found.add(new OptionQuery.Found(query, value));
        }
      }
      return List.copyOf(found);
    }
  }
}
