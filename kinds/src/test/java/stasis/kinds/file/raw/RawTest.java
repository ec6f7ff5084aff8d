package stasis.kinds.file.raw;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.kinds.AddressMap;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeHost;
import stasis.kinds.socket.Memberships.Membership;
import stasis.kinds.socket.SocketOption;
import stasis.linux.abi.Bytes;
import stasis.resource.Kind;

class RawTest extends AspectContract<RawSocket.State> {
  private static final Bytes LOCAL = Bytes.hex("0200" + "0001" + "7f000001" + "0000000000000000");
  private static final Bytes PEER = Bytes.hex("0200" + "0000" + "7f000002" + "0000000000000000");

  private final RawSocket kind = new RawSocket(new AddressMap(List.of(AddressMap.rule("127.0.0.2=127.0.0.3"))));

  @Override
  protected Kind<RawSocket.State> kind() {
    return kind;
  }

  @Override
  protected RawSocket.State sample() {
    return state(3, LOCAL, Optional.of(PEER));
  }

  private static RawSocket.State state(int type, Bytes local, Optional<Bytes> peer) {
    return new RawSocket.State(2, type, 1, 04002, local, peer, List.of(new SocketOption(0, 3, Bytes.ofU32(1)),
        new SocketOption(1, 26, Bytes.hex("06000000ffff0000"))), Bytes.ofU32(~(1 << 8)), 1,
        List.of(new Membership(Bytes.hex("ef070701"), 1, Bytes.hex("7f000001"), false, List.of())),
        List.of("its unread packets are lost"));
  }

  @Test
  void aProtocolIsNoPortToBindTo() {
    Bytes any = Bytes.hex("0200" + "0001" + "00000000" + "0000000000000000");

    assertThat(explain(state(3, any, Optional.empty()))).doesNotContain("bind(");
    assertThat(explain(state(2, any, Optional.empty()))).contains("bind(");
  }

  @Test
  void filtersAreThereBeforeAnythingCanCome() {
    assertThat(explain(sample())).containsSubsequence("which ICMP messages", "SO_ATTACH_FILTER", "bind(");
  }

  @Test
  void whatIsLostIsToldAndWhatIsMissingIsNamed() {
    assertThat(kind.losses(sample())).singleElement().extracting("detail").asString().contains("unread");
    assertThat(kind.obstacles(sample(), new FakeHost())).singleElement().extracting("reason").asString()
        .contains("CAP_NET_RAW");
  }
}
