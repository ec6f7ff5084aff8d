package stasis.linux.socket;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.sys.Syscalls;

/// Messages in a pair of the test's own.
class UnixQueueTest {
  private static final int SOCK_DGRAM = 2;
  private static final int SOCK_SEQPACKET = 5;
  private static final int SIOCOUTQ = 0x5411;
  private static final UnixQueue.Guard NONE = new UnixQueue.Guard() {
    @Override
    public void enter() {}

    @Override
    public void leave() {}
  };

  private interface Test {
    void on(int sender, int receiver) throws SyscallException;
  }

  private static void sent(int type, List<Integer> lengths, Test test) throws SyscallException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment pair = arena.allocate(8, 4);
      Syscalls.require("make a pair", Nr.SOCKETPAIR, 1, type, 0, pair.address());
      MemorySegment data = arena.allocate(5000);
      for (int length : lengths) {
        Syscalls.require("send", Nr.SENDTO, pair.get(JAVA_INT, 0), data.address(), length, 0, 0, 0);
      }
      test.on(pair.get(JAVA_INT, 0), pair.get(JAVA_INT, 4));
      Syscalls.call(Nr.CLOSE, pair.get(JAVA_INT, 0));
      Syscalls.call(Nr.CLOSE, pair.get(JAVA_INT, 4));
    }
  }

  private static List<Integer> lengths(int fd, int type) throws SyscallException {
    return UnixQueue.read(fd, type, 0, false, NONE).stream().map(item -> item.data().length()).toList();
  }

  @ParameterizedTest
  @ValueSource(ints = {SOCK_DGRAM, SOCK_SEQPACKET})
  void messagesWithoutBytesAreSeenTheFirstToo(int type) throws SyscallException {
    sent(type, List.of(0, 1, 0, 0, 7, 0), (_, receiver) ->
        assertThat(lengths(receiver, type)).containsExactly(0, 1, 0, 0, 7, 0));
  }

  @ParameterizedTest
  @ValueSource(ints = {SOCK_DGRAM, SOCK_SEQPACKET})
  void whatASecondLookDoesNotShowWeighsOnItsSender(int type) throws SyscallException {
    sent(type, List.of(0, 1, 0, 4096), (sender, receiver) -> {
      List<Integer> all = lengths(receiver, type);
      List<Integer> again = lengths(receiver, type);

      assertThat(all).hasSize(4);
      assertThat(again).containsExactly(0, 1, 4096);
      assertThat(unread(sender)).isEqualTo(UnixQueue.weight(type, all))
          .isEqualTo(UnixQueue.weight(type, again) + UnixQueue.weight(type, List.of(0)));
    });
  }

  private static long unread(int fd) throws SyscallException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(4, 4);
      Syscalls.require("ask how much is unread", Nr.IOCTL, fd, SIOCOUTQ, bytes.address());
      return bytes.get(JAVA_INT, 0);
    }
  }
}
