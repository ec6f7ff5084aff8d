package stasis.linux.socket;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.sys.Syscalls;

class UnixDiagTest {
  private static final int SO_PEEK_OFF = 42;

  private static int[] pair(int type) throws SyscallException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment ends = arena.allocate(8, 4);
      Syscalls.require("make a pair", Nr.SOCKETPAIR, 1, type | 0x80000, 0, ends.address());
      return ends.toArray(ValueLayout.JAVA_INT);
    }
  }

  private static void write(int fd, String text) {
    try (Arena arena = Arena.ofConfined()) {
      assertThat(Syscalls.call(Nr.WRITE, fd, arena.allocateFrom(text).address(), text.length()))
          .isEqualTo(text.length());
    }
  }

  private static void close(int... fds) {
    for (int fd : fds) {
      Syscalls.call(Nr.CLOSE, fd);
    }
  }

  @Test
  void anAnswerIsRead() throws SyscallException {
    // nlmsghdr, unix_diag_msg of a listening seqpacket socket 0x102, its name, one waiting, its queue; then the end.
    Bytes answer = Bytes.ofU32(16 + 16 + 8 + 8 + 12, 20, 1, 0, 1 | 5 << 8 | 10 << 16, 0x102, 0, 0,
        7 | 0 << 16, 'x' << 8 | 'y' << 16, 8 | 3 << 16, 0x205, 12 | 4 << 16, 1, 9, 20, 3, 1, 0, 0);
    var rows = new ArrayList<UnixDiag.Row>();

    assertThat(UnixDiag.parse(answer, rows)).isFalse();
    assertThat(rows).containsExactly(new UnixDiag.Row(5, 10, 0x102, Bytes.hex("007879"), Optional.empty(),
        Optional.empty(), List.of(0x205L), 1, 9, 0));
  }

  @Test
  void aPairIsListedWithWhatWaitsInIt() throws Exception {
    int[] ends = pair(1);
    write(ends[0], "abc");

    assertThat(UnixDiag.all()).anyMatch(row -> row.received() == 3 && row.state() == 1 && row.peer().isPresent());
    close(ends);
  }

  @Test
  void messagesAreSeenWithTheirBoundariesAndStay() throws Exception {
    int[] ends = pair(2);
    write(ends[0], "one");
    write(ends[0], "");
    write(ends[0], "three");
    var moments = new ArrayList<String>();
    UnixQueue.Guard guard = new UnixQueue.Guard() {
      @Override
      public void enter() {
        moments.add("enter");
      }

      @Override
      public void leave() {
        moments.add("leave " + peekOffset(ends[1]));
      }
    };

    for (int round = 0; round < 2; round++) {
      List<UnixQueue.Item> items = UnixQueue.read(ends[1], 2, 3, false, guard);
      assertThat(items.stream().map(item -> item.data().latin1())).startsWith("one").endsWith("three");
    }
    assertThat(moments).containsExactly("enter", "leave -1", "enter", "leave -1");
    close(ends);
  }

  private static int peekOffset(int fd) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(8, 4);
      value.set(ValueLayout.JAVA_INT, 4, 4);
      Syscalls.call(Nr.GETSOCKOPT, fd, 1, SO_PEEK_OFF, value.address(), value.address() + 4);
      return value.get(ValueLayout.JAVA_INT, 0);
    }
  }
}
