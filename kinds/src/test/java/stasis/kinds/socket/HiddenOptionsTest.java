package stasis.kinds.socket;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.FakeOpenFile;
import stasis.linux.abi.Bytes;
import stasis.procfs.FileStat;
import stasis.resource.HiddenSocket;
import stasis.resource.ObstructedException;

class HiddenOptionsTest {
  private static final Set<Integer> ALL = Set.of(1, 0, 41, 6);

  private static FakeOpenFile socket() {
    return new FakeOpenFile("socket:[7]", FileStat.S_IFSOCK | 0777, 1, "02");
  }

  private static HiddenSocket with(boolean program, boolean policies, boolean labels, boolean anycast, boolean keyed) {
    return new HiddenSocket(program, policies, 0, 0, 0, Bytes.zeros(20), 0, labels, anycast, keyed, 0, 0,
        Optional.empty());
  }

  @Test
  void whatBpfShowsToBeUsedAndCannotBeReadIsRefusedByName() {
    assertThatThrownBy(() -> SocketOptions.of(socket().hidden(with(true, false, false, false, false)),
        OptionSet.of(ALL, false)))
        .hasMessageContaining("SO_ATTACH_REUSEPORT_CBPF");
    assertThatThrownBy(() -> SocketOptions.of(socket().hidden(with(false, true, true, true, true)),
        OptionSet.of(ALL, true)))
        .hasMessageContaining("IP_XFRM_POLICY").hasMessageContaining("IPV6_FLOWLABEL_MGR")
        .hasMessageContaining("IPV6_JOIN_ANYCAST").hasMessageContaining("TCP_MD5SIG");
  }

  @Test
  void whatBpfShowsTheValueOfIsSet() throws ObstructedException {
    var hidden = new HiddenSocket(false, false, 8, 3, 0, Bytes.zeros(19).concat(Bytes.hex("01")), 1400, false, false,
        false, 1000, 0, Optional.empty());

    assertThat(SocketOptions.of(socket().hidden(hidden), OptionSet.of(ALL, true))).containsExactlyInAnyOrder(
        new SocketOption(1, 70, Bytes.ofU32(8)), new SocketOption(41, 24, Bytes.ofU32(1400)),
        new SocketOption(41, 50, Bytes.zeros(19).concat(Bytes.hex("01"))), new SocketOption(6, 2, Bytes.ofU32(1000)),
        new SocketOption(0, 32, Bytes.ofU32(0, 0, 3)));
  }

  @Test
  void whereNothingIsShownThatIsTold() {
    assertThat(HiddenOptions.told(socket(), List.of(), true)).singleElement().asString().contains("IPV6_PKTINFO");
    assertThat(HiddenOptions.told(socket(), List.of(new SocketOption(1, 15, Bytes.ofU32(1))), false))
        .singleElement().asString().contains("share its port");
    assertThat(HiddenOptions.told(socket().hidden(with(false, false, false, false, false)), List.of(), true)).isEmpty();
  }
}
