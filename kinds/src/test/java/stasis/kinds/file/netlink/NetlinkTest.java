package stasis.kinds.file.netlink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeOpenFile;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.procfs.FileStat;
import stasis.resource.Kind;

class NetlinkTest extends AspectContract<NetlinkSocket.State> {
  private final NetlinkSocket kind = new NetlinkSocket();

  @Override
  protected Kind<NetlinkSocket.State> kind() {
    return kind;
  }

  @Override
  protected NetlinkSocket.State sample() {
    return new NetlinkSocket.State(3, 16, 04002, 4711, Bytes.ofU32(16, 0, 1), List.of(1, 40), List.of(),
        List.of(3, 11), List.of("told"));
  }

  @Test
  void groupsAbove32AreJoinedByNumber() {
    assertThat(explain(sample())).containsSubsequence("bind(", "&28000000, 4)  # group 40");
    assertThat(kind.losses(sample())).hasSize(1);
  }

  @Test
  void aProtocolWithStateInTheKernelIsRefused() {
    FakeOpenFile audit = new FakeOpenFile("socket:[7]", FileStat.S_IFSOCK | 0777, 1, "02")
        .answering(Nr.GETSOCKOPT, output(3, Bytes.ofU32(9)));

    assertThatThrownBy(() -> kind.checkpoint(audit)).hasMessageContaining("protocol 9");
    assertThatThrownBy(() -> new NetlinkSocket.State(3, 9, 0, 0, Bytes.EMPTY, List.of(), List.of(), List.of(),
        List.of())).isInstanceOf(IllegalArgumentException.class);
  }
}
