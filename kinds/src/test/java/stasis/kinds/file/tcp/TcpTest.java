package stasis.kinds.file.tcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.kinds.AddressMap;
import stasis.kinds.TcpPeers;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeHost;
import stasis.kinds.fake.FakeOpenFile;
import stasis.kinds.file.tcp.TcpSocket.Phase;
import stasis.kinds.file.tcp.TcpSocket.State;
import stasis.kinds.socket.SocketOption;
import stasis.kinds.socket.TcpState;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.procfs.FileStat;
import stasis.resource.Answer;
import stasis.resource.Kind;

class TcpTest extends AspectContract<State> {
  private static final Bytes LOCAL = Bytes.hex("0200" + "1f90" + "7f000001" + "0000000000000000");
  private static final Bytes PEER = Bytes.hex("0200" + "9c40" + "7f000001" + "0000000000000000");
  private static final List<SocketOption> OPTIONS = List.of(new SocketOption(1, 2, Bytes.ofU32(1)),
      new SocketOption(6, 1, Bytes.ofU32(1)), new SocketOption(1, 8, Bytes.ofU32(131_072)));

  private final TcpSocket kind = new TcpSocket(TcpPeers.REFUSE, AddressMap.NONE);

  @Override
  protected Kind<State> kind() {
    return kind;
  }

  @Override
  protected State sample() {
    return connected(Connection.Peer.TREE, TcpState.FIN_WAIT1);
  }

  private static State connected(Connection.Peer peer, int state) {
    Connection end = new Connection(peer, state, 1000, 2000, Bytes.hex("010203"), Bytes.hex("0405"), Bytes.hex("06"),
        65_483, 7, 0xa7, 4711, Bytes.ofU32(1, 65_535, 65_535, 60_000, 2000), false,
        Optional.of(new Urgent(1, true)), Optional.of(new Urgent(2, false)));
    return new State(2, 04002, LOCAL, Optional.of(PEER), OPTIONS, Phase.CONNECTED, 0, 0, Optional.of(end), List.of(),
        Bytes.EMPTY, false, List.of(), false, Seat.PLAIN, Optional.empty(),
        List.of());
  }

  private static State alone(Phase phase, Optional<Bytes> peer) {
    return new State(2, 2, LOCAL, peer, OPTIONS, phase, 128, 0, Optional.empty(), List.of(), Bytes.hex("0102"),
        false, List.of(), false, Seat.PLAIN, Optional.empty(), List.of());
  }

  @Test
  void sequenceNumbersBeginBeforeWhatIsInTheQueues() {
    assertThat(explain(sample())).contains(String.format("&%08x", Integer.reverseBytes(1000 - 3)))
        .contains(String.format("&%08x", Integer.reverseBytes(2000 - 3)));
  }

  @Test
  void anEndThatWasClosedIsMadeAndClosedAgain() {
    assertThat(explain(connected(Connection.Peer.NOBODY, TcpState.CLOSE_WAIT))).contains("the end that was closed")
        .contains("it is closed again");
  }

  @Test
  void aListenerListensWithItsBacklogAndItsOwnReuseFlag() {
    assertThat(explain(alone(Phase.LISTENING, Optional.empty()))).contains("listen(%0, 0x80)")
        .containsSubsequence("shared with its connections", "listen(", "SO_REUSEADDR as it was");
  }

  @Test
  void aConnectionThatIsOverIsOneThatWasResetOverLoopback() {
    String program = explain(alone(Phase.ENDED, Optional.empty()));

    assertThat(program).containsSubsequence("listen(", "connect(%0", "accept4(", "unread bytes", "close with a reset",
        "it knows that");
    assertThat(kind.losses(alone(Phase.ENDED, Optional.of(PEER)))).singleElement().extracting("detail").asString()
        .contains("127.0.0.1:8080 to 127.0.0.1:40000 comes back reset");
  }

  @Test
  void aClientThatWasNotAcceptedConnectsOnlyWhenEverySocketIsThere() {
    String program = explain(alone(Phase.UNACCEPTED, Optional.of(PEER)));

    assertThat(program).contains("connect(3, &02009c407f000001").doesNotContain("connect(%");
  }

  @Test
  void aClientThatWasClosedBeforeItWasAcceptedComesOnceMore() {
    var visitor = new Unaccepted.Visitor(PEER, LOCAL, Bytes.hex("0506"), true);
    var state = new State(2, 2, LOCAL, Optional.empty(), OPTIONS, Phase.LISTENING, 128, 0, Optional.empty(), List.of(),
        Bytes.EMPTY, false, List.of(), false, Seat.PLAIN, Optional.empty(), List.of(visitor));

    assertThat(explain(state)).containsSubsequence("listen(", "a client that was closed", "to be accepted",
        "what it has sent", "close with a reset", "it is closed again");
    assertThat(kind.losses(state)).isEmpty();
  }

  @Test
  void aConnectionNeedsACapabilityAListenerDoesNot() {
    var host = new FakeHost();

    assertThat(kind.obstacles(alone(Phase.LISTENING, Optional.empty()), host)).isEmpty();
    assertThat(kind.obstacles(sample(), host)).singleElement().extracting("reason").asString()
        .contains("CAP_NET_ADMIN");
  }

  @Test
  void theEndOfAProgramIsKeptFromThePeersOfItsConnections() {
    assertThat(kind.muting(sample())).hasSize(1);
    assertThat(kind.muting(alone(Phase.LISTENING, Optional.empty()))).isEmpty();
  }

  @Test
  void anUpperLayerIsRefusedByName() {
    FakeOpenFile file = new FakeOpenFile("socket:[7]", FileStat.S_IFSOCK | 0777, 1, "02")
        .answering(Nr.GETSOCKOPT, new Answer(0, Map.of(3, Bytes.zeros(104), 4, Bytes.ofU32(104))))
        .answering(Nr.GETSOCKOPT, new Answer(0, Map.of(3, Bytes.cString("tls").concat(Bytes.zeros(12)), 4,
            Bytes.ofU32(16))));

    assertThatThrownBy(() -> kind.checkpoint(file)).hasMessageContaining("tls");
  }

  @Test
  void withoutTcpInfoThereIsNoAnswer() {
    FakeOpenFile file = new FakeOpenFile("socket:[7]", FileStat.S_IFSOCK | 0777, 1, "02")
        .answering(Nr.GETSOCKOPT, failure(Errno.ENOPROTOOPT));

    assertThatThrownBy(() -> kind.checkpoint(file)).hasMessageContaining("TCP_INFO");
  }

  @Test
  void aConnectionWithoutAPeerOrInAStateThatIsNoneIsHostile() {
    assertThatThrownBy(() -> alone(Phase.UNACCEPTED, Optional.empty())).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> connected(Connection.Peer.TREE, TcpState.LISTEN))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
