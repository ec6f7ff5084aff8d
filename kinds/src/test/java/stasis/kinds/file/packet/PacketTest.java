package stasis.kinds.file.packet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeHost;
import stasis.kinds.fake.FakeOpenFile;
import stasis.kinds.socket.SocketOption;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.procfs.FileStat;
import stasis.resource.Answer;
import stasis.resource.Kind;

class PacketTest extends AspectContract<PacketSocket.State> {
  private final PacketSocket kind = new PacketSocket();

  @Override
  protected Kind<PacketSocket.State> kind() {
    return kind;
  }

  @Override
  protected PacketSocket.State sample() {
    return new PacketSocket.State(3, 04002, 0x0300, 1, List.of(new SocketOption(1, 26, Bytes.hex("06000000ffff0000"))),
        List.of(new PacketSocket.Own(8, 1)), List.of(Bytes.ofU32(1, 1, 0, 0)), Optional.of(7), List.of("told"),
        Bytes.EMPTY);
  }

  @Test
  void itTakesNothingBeforeItsFilterIsThere() {
    assertThat(explain(sample())).containsSubsequence("socket(0x11, 0x803, 0)", "SO_ATTACH_FILTER", "bind(");
    assertThat(kind.obstacles(sample(), new FakeHost())).singleElement().extracting("reason").asString()
        .contains("CAP_NET_RAW");
  }

  /// An answer with one socket, of inode 7: the given attributes.
  private static FakeOpenFile listed(String attributes) {
    Bytes content = Bytes.hex(attributes);
    Bytes message = Bytes.ofU32(32 + content.length(), 20, 0, 0).concat(Bytes.ofU32(17, 7, 0, 0)).concat(content);
    return new FakeOpenFile("socket:[7]", FileStat.S_IFSOCK | 0777, 1, "02")
        .answering(Nr.GETSOCKNAME, output(1, Bytes.zeros(20))).answering(Nr.SOCKET, value(9))
        .answering(Nr.SENDTO, value(36))
        .answering(Nr.RECVFROM, new Answer(message.length(), Map.of(1, message)));
  }

  @Test
  void aRingIsRefusedByName() {
    assertThatThrownBy(() -> kind.checkpoint(listed("0400" + "0200"))).hasMessageContaining("PACKET_RX_RING");
  }

  @Test
  void membershipsAreJoinedAsOftenAsTheyWere() throws Exception {
    String twice = "01000000" + "02000000" + "0100" + "0600" + "aabbccddeeff" + "00".repeat(26);

    assertThat(kind.checkpoint(listed("3000" + "0100" + twice)).memberships()).hasSize(2)
        .containsOnly(Bytes.hex("01000000" + "0100" + "0600" + "aabbccddeeff0000"));
  }
}
