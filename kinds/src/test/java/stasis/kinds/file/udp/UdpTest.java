package stasis.kinds.file.udp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.kinds.AddressMap;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.socket.DatagramQueue.Datagram;
import stasis.kinds.socket.Memberships.Membership;
import stasis.kinds.socket.SocketOption;
import stasis.linux.abi.Bytes;
import stasis.resource.Kind;

class UdpTest extends AspectContract<UdpSocket.State> {
  private static final Bytes LOCAL = Bytes.hex("0200" + "1f90" + "7f000001" + "0000000000000000");
  private static final Bytes PEER = Bytes.hex("0200" + "0035" + "7f000002" + "0000000000000000");
  private static final List<SocketOption> OPTIONS = List.of(new SocketOption(1, 2, Bytes.ofU32(1)),
      new SocketOption(1, 8, Bytes.ofU32(100_000)), new SocketOption(1, 72, Bytes.ofU32(2)),
      new SocketOption(1, 26, Bytes.hex("06000000ffff0000")));

  private static final List<Membership> GROUPS = List.of(new Membership(Bytes.hex("ef070701"), 1,
      Bytes.hex("7f000001"), false, List.of()), new Membership(Bytes.hex("ff150000000000000000000000000007"), 1,
      Bytes.zeros(4), true, List.of(Bytes.hex("00000000000000000000000000000001"))));

  private final UdpSocket kind = new UdpSocket(AddressMap.NONE);

  @Override
  protected Kind<UdpSocket.State> kind() {
    return kind;
  }

  @Override
  protected UdpSocket.State sample() {
    return state(Optional.of(PEER), List.of(new Datagram(PEER, Bytes.hex("616263"))), OPTIONS);
  }

  private static UdpSocket.State state(Optional<Bytes> peer, List<Datagram> queue, List<SocketOption> options) {
    return new UdpSocket.State(2, 17, 04002, LOCAL, peer, options, queue, 1, false, GROUPS,
        List.of(), false, Optional.of(new UdpSocket.Corked(PEER, Bytes.hex("686579"))));
  }

  @Test
  void whatCameFromOthersIsGivenBeforeItIsConnected() {
    String program = explain(state(Optional.of(PEER), List.of(new Datagram(LOCAL, Bytes.EMPTY)), List.of()));

    assertThat(program.indexOf("unread datagram")).isLessThan(program.indexOf("connect("));
    assertThat(explain(sample()).indexOf("unread datagram")).isGreaterThan(explain(sample()).indexOf("connect("));
  }

  @Test
  void unreadDatagramsOfAMulticastSocketAreToldLost() {
    Bytes group = Bytes.hex("0200" + "1f90" + "e0000001" + "0000000000000000");
    var state = new UdpSocket.State(2, 17, 2, group, Optional.empty(), List.of(),
        List.of(new Datagram(PEER, Bytes.EMPTY)), 0, false, List.of(), List.of(), false,
        Optional.empty());

    assertThat(kind.losses(state)).singleElement().extracting("detail").asString().contains("lost");
    assertThat(explain(state)).doesNotContain("unread");
  }

  @Test
  void whatWaitsForMoreIsSaidAgainWithMoreToCome() {
    assertThat(explain(sample())).containsSubsequence("connect(", "what waits for more").contains("&686579, 3, 0x8000");
  }

  @Test
  void anOptionNoCheckpointWritesIsRefused() {
    assertThatThrownBy(() -> state(Optional.empty(), List.of(), List.of(new SocketOption(1, 50, Bytes.ofU32(3)))))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
