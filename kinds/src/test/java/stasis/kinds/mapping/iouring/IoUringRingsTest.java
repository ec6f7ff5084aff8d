package stasis.kinds.mapping.iouring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeMapping;
import stasis.kinds.fake.FakeOpenFile;
import stasis.kinds.fake.MemoryContract;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.RemoteAddress;
import stasis.resource.HiddenRing;
import stasis.resource.MappingKind;
import stasis.resource.ObstructedException;
import stasis.resource.Script;

class IoUringRingsTest extends MemoryContract<IoUringRings.State> {
  private static final String NAME = "                     anon_inode:[io_uring]";
  private static final String ENTRIES = "7f0000002000-7f0000003000 rw-s 10000000 00:10 7" + NAME;
  private static final String RINGS = "7f0000003000-7f0000004000 rw-s 00000000 00:10 7" + NAME;
  private static final String FLAGS = "rd wr sh mr mw ms de mm";
  private static final HiddenRing HIDDEN = new HiddenRing(0, List.of(), new HiddenRing.Counters(0, 4, 8, 12),
      Optional.empty(), List.of(), Optional.empty());

  private static FakeGroup group() {
    return new FakeGroup().opened(file(11, 11)).file("maps", ENTRIES + "\n" + RINGS + "\n");
  }

  private static FakeOpenFile file(int taken, int completed) {
    return new FakeOpenFile("anon_inode:[io_uring]", 0600, 1, "02000002", "SqMask:\t0x7", "CachedSqHead:\t" + taken,
        "CqMask:\t0xf", "CachedCqTail:\t" + completed).ring(HIDDEN);
  }

  /// The rings as read from where they start.
  private static Bytes rings(int taken, int completed) {
    return Bytes.ofU32(taken, taken + 2, completed - 1, completed).concat(Bytes.zeros(4080));
  }

  private static FakeMapping last(int taken, int completed) {
    return FakeMapping.of(RINGS, FLAGS).group(group()).content(rings(taken, completed));
  }

  private static FakeMapping alone(int taken, int completed) {
    String only = "7f0000003000-7f0000004000 rw-s 10000000 00:10 7" + NAME;
    FakeGroup group = new FakeGroup().opened(file(taken, completed)).file("maps", RINGS + "\n" + only + "\n");
    return FakeMapping.of(only, FLAGS).group(group).content(rings(taken, completed));
  }

  @Override
  protected MappingKind<IoUringRings.State> kind() {
    return new IoUringRings();
  }

  @Override
  protected IoUringRings.State sample() {
    return new IoUringRings.State(new ObjectId(30), Optional.of(new IoUringRings.Replay(
        new RemoteAddress(0x7f0000003000L), new RemoteAddress(0x7f0000002000L), new IoUringRings.Counters(4, 8, 12), 30,
        19, 3, 8, 64, true, Bytes.ofU32(11, 13), Bytes.ofU32(1))));
  }

  @Override
  protected void program(Script script) {
    kind().map(new IoUringRings.State(new ObjectId(30), Optional.empty()), FakeMapping.of(ENTRIES, FLAGS).state(), 3,
        Optional.empty(), script, REFS);
    kind().map(sample(), FakeMapping.of(RINGS, FLAGS).state(), 3, Optional.empty(), script, REFS);
  }

  @Test
  void onlyTheLastOfItsMappingsCountsUp() throws ObstructedException {
    FakeMapping first = FakeMapping.of(ENTRIES, FLAGS).group(group());
    assertThat(kind().checkpoint(first)).isEqualTo(new IoUringRings.State(new ObjectId(30), Optional.empty()));
    assertThat(kind().needs(sample())).containsExactly(new ObjectId(30));
    assertThat(kind().losses(sample()).toString()).contains("randomisation");
    var replay = kind().checkpoint(alone(11, 11)).replay().orElseThrow();
    assertThat(replay.taken()).isEqualTo(11);
    assertThat(replay.unseen()).isEqualTo(1);
    assertThat(replay.atOnce()).isEqualTo(8);
    assertThat(replay.counters()).isEqualTo(new IoUringRings.Counters(4, 8, 12));
  }

  @Test
  void countersThatCannotBeBroughtBackAreRefused() {
    assertThatThrownBy(() -> kind().checkpoint(alone(11, 12))).isInstanceOf(ObstructedException.class)
        .hasMessageContaining("more completions (12) than requests (11)");
    assertThatThrownBy(() -> kind().checkpoint(alone((1 << 26) + 1, 5))).hasMessageContaining("67108865 requests");
  }

  @Test
  void ringsWhoseFileIsClosedAreNotTaken() {
    assertThat(kind().recognises(last(1, 1))).isTrue();
    assertThat(kind().recognises(FakeMapping.of(RINGS, FLAGS))).isFalse();
  }
}
