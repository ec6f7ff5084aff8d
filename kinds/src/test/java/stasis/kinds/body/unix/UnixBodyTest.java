package stasis.kinds.body.unix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.kinds.body.unix.UnixBody.Link;
import stasis.kinds.body.unix.UnixBody.Message;
import stasis.kinds.body.unix.UnixBody.Owner;
import stasis.kinds.body.unix.UnixBody.Pair;
import stasis.kinds.body.unix.UnixBody.Place;
import stasis.kinds.body.unix.UnixBody.Sender;
import stasis.kinds.body.unix.UnixBody.Socket;
import stasis.kinds.body.unix.UnixBody.State;
import stasis.kinds.body.unix.UnixBody.Waiting;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeHost;
import stasis.kinds.fake.FakeOpenFile;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FileStat;
import stasis.resource.Answer;
import stasis.resource.BodyKey;
import stasis.resource.BodyView;
import stasis.resource.Kind;
import stasis.resource.Mapping;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Program;
import stasis.resource.Script;
import stasis.resource.UnixSocket;

class UnixBodyTest extends AspectContract<UnixBody.State> {
  private static final int ROOT = 4711;
  private final UnixBody kind = new UnixBody();

  @Override
  protected Kind<UnixBody.State> kind() {
    return kind;
  }

  private static Bytes text(String latin1) {
    return PathBytes.of(latin1).bytes();
  }

  private static Socket socket(int object, int type, String name, boolean binds, Optional<Place> place,
      Optional<Integer> backlog, int shutdown) {
    return new Socket(object == 0 ? Optional.empty() : Optional.of(new ObjectId(object)), type,
        name.startsWith("@") ? Bytes.zeros(1).concat(text(name.substring(1))) : text(name), binds, place, backlog,
        Optional.of(new Owner(ROOT, 7, 8)), shutdown, false, 212992, 0);
  }

  private static Optional<Place> place(String bound, boolean present) {
    return Optional.of(new Place(PathBytes.of(bound), PathBytes.of(bound), present, 7, 0600, 1, 2));
  }

  /// A pair with descriptors on their way; a listener with an accepted and a waiting connection, whose file was
  /// removed; a datagram receiver that one gone has sent to.
  @Override
  protected State sample() {
    return new State(List.of(socket(20, 1, "", false, Optional.empty(), Optional.empty(), 2),
        socket(21, 1, "", false, Optional.empty(), Optional.empty(), 1),
        socket(22, 5, "run/s", true, place("/srv/run/s", false), Optional.of(3), 0),
        socket(23, 5, "run/s", false, place("/srv/run/s", false), Optional.empty(), 0),
        socket(24, 5, "", false, Optional.empty(), Optional.empty(), 0),
        socket(25, 5, "", false, Optional.empty(), Optional.empty(), 0),
        socket(26, 2, "/run/log", true, place("/run/log", true), Optional.empty(), 0),
        socket(0, 2, "@gone", true, Optional.empty(), Optional.empty(), 0)),
        List.of(new Pair(0, 1, Optional.empty()), new Pair(3, 4, Optional.of(2))),
        List.of(new Waiting(2, 5, new Owner(ROOT, 7, 8))), List.of(new Link(7, 6)),
        List.of(new Message(0, 1, text("one"), Optional.of(new Sender(99, Optional.empty(), 7, 8)),
            List.of(new ObjectId(40), new ObjectId(41), new ObjectId(42))),
            new Message(7, 6, text("log"), Optional.empty(), List.of())), ROOT);
  }

  private record Sockets(List<OpenFile> files) implements BodyView {
    @Override
    public ObjectId id() {
      return new ObjectId(9);
    }

    @Override
    public BodyKey key() {
      return new BodyKey("body.unix", 0, 0);
    }

    @Override
    public List<Mapping> mappings() {
      return List.of();
    }

    @Override
    public String subject() {
      return files.getFirst().subject();
    }
  }

  private static FakeOpenFile file(int object, int type, int state, long inode, Optional<Long> peer, String name) {
    Bytes address = name.startsWith("@") ? Bytes.zeros(1).concat(text(name.substring(1))) : text(name);
    return new FakeOpenFile("socket:[" + inode + "]", FileStat.S_IFSOCK | 0777, 1, "02").as(object)
        .socket(new UnixSocket(type, state, inode, address, Optional.empty(), peer, List.of(), List.of(), 0, 0, 0,
            List.of()))
        .answering(Nr.GETSOCKOPT, new Answer(0, Map.of(3, Bytes.ofU32(0, 0, 0))));
  }

  private State of(OpenFile... files) throws ObstructedException {
    return kind.checkpoint(new Sockets(List.of(files)));
  }

  @Test
  void namelessStreamsThatKnowEachOtherAreAPair() throws ObstructedException {
    State state = of(file(30, 1, 1, 100, Optional.of(101L), ""), file(31, 1, 1, 101, Optional.of(100L), ""));

    assertThat(state.pairs()).containsExactly(new Pair(0, 1, Optional.empty()));
    assertThat(state.sockets()).hasSize(2);
  }

  @Test
  void theOneWithItsListenersNameWasAccepted() throws ObstructedException {
    State state = of(file(30, 1, 1, 100, Optional.of(101L), ""), file(31, 1, 1, 101, Optional.of(100L), "@s"),
        file(32, 1, 10, 102, Optional.empty(), "@s"));

    assertThat(state.pairs()).containsExactly(new Pair(1, 0, Optional.of(2)));
    assertThat(state.sockets().get(1).binds()).isFalse();
    assertThat(state.sockets().get(2).binds()).isTrue();
  }

  @Test
  void aListenerThatIsGoneIsMadeAgainForItsName() throws ObstructedException {
    State state = of(file(30, 1, 1, 100, Optional.of(101L), ""), file(31, 1, 1, 101, Optional.of(100L), "@s"));

    assertThat(state.pairs()).containsExactly(new Pair(1, 0, Optional.of(2)));
    assertThat(state.sockets().get(2).file()).isEmpty();
    assertThat(state.sockets().get(2).backlog()).isPresent();
  }

  @Test
  void aPeerOutsideIsRefused() {
    assertThatThrownBy(() -> of(file(30, 1, 1, 100, Optional.of(7L), "")))
        .isInstanceOf(ObstructedException.class).hasMessageContaining("its peer is held by a task outside");
  }

  @Test
  void aConnectionNoServerOfTheTreeHasIsRefused() {
    assertThatThrownBy(() -> of(file(30, 1, 1, 100, Optional.of(0L), "")))
        .isInstanceOf(ObstructedException.class).hasMessageContaining("has not accepted its connection");
  }

  @Test
  void datagramSocketsAreConnectedBeforeThoseTheyAreConnectedTo() throws ObstructedException {
    State state = of(file(30, 2, 1, 100, Optional.of(101L), "@a"), file(31, 2, 1, 101, Optional.of(102L), "@b"),
        file(32, 2, 7, 102, Optional.empty(), "@c"));

    assertThat(state.links()).containsExactly(new Link(0, 1), new Link(1, 2));
    String program = explain(new State(state.sockets(), List.of(), List.of(),
        List.of(new Link(1, 2), new Link(0, 1)), List.of(), ROOT));
    assertThat(program.indexOf("connect unix socket #30")).isLessThan(program.indexOf("connect unix socket #31"));
  }

  @Test
  void aStaleFileUnderItsNameIsNoObstacle() {
    assertThat(kind.obstacles(sample(), new FakeHost().file("/run/log", FileStat.S_IFSOCK | 0755))).isEmpty();
  }

  @Test
  void anotherFileUnderItsNameIsAnObstacle() {
    assertThat(kind.obstacles(sample(), new FakeHost().file("/run/log", FileStat.S_IFREG | 0644))).hasSize(1);
  }

  @Test
  void whatAKilledRestoreLeftIsNotInTheWay() {
    String first = "/tmp/.stasis-names-" + sample().maker() + "-9";
    Script script = new Program().in(new ObjectId(1));

    assertThat(new UnixSteps(sample(), new ObjectId(9), script, new FakeHost()).aside()).hasToString(first);
    assertThat(new UnixSteps(sample(), new ObjectId(9), script, new FakeHost().file(first, FileStat.S_IFDIR | 0700))
        .aside()).hasToString(first + "-1");
  }

  @Test
  void credentialsOfOtherTasksAndNewSocketFilesAreTold() {
    assertThat(kind.losses(sample())).hasSize(2);
  }

  @Test
  void aSocketThatIsNotAmongThemIsNoStatefile() {
    assertThatThrownBy(() -> new State(sample().sockets(), List.of(), List.of(), List.of(new Link(0, 8)), List.of(),
        ROOT)).isInstanceOf(IllegalArgumentException.class);
  }
}
