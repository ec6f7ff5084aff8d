package stasis.kinds.body.hugeshared;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.kinds.fake.FakeBody;
import stasis.kinds.fake.FakeMapping;
import stasis.kinds.fake.MemoryContract;
import stasis.kinds.fake.MemoryHost;
import stasis.procfs.FileStat;
import stasis.resource.BodyKind;
import stasis.resource.ObstructedException;
import stasis.resource.Script;

class HugeSharedBodyTest extends MemoryContract<HugeSharedBody.State> {
  private static final ObjectId SELF = new ObjectId(3);

  private static FakeMapping mapping() {
    return FakeMapping.of("7f0000000000-7f0000200000 rw-s 00200000 00:11 9   /anon_hugepage (deleted)",
        "rd wr sh mr mw me ms de nr ht");
  }

  @Override
  protected BodyKind<HugeSharedBody.State> kind() {
    return new HugeSharedBody();
  }

  @Override
  protected HugeSharedBody.State sample() {
    return new HugeSharedBody.State(6 << 20, 2 << 20, true);
  }

  @Override
  protected void program(Script script) {
    kind().restore(sample(), SELF, script, REFS);
  }

  @Test
  void itIsTakenWholeHoweverLittleIsMapped() throws ObstructedException {
    var facts = stat(FileStat.S_IFREG | 0777, 9, 0, 6 << 20);
    assertThat(kind().checkpoint(new FakeBody(SELF).mapped(mapping().facts(facts)))).isEqualTo(sample());
    assertThatThrownBy(() -> kind().checkpoint(new FakeBody(SELF).mapped(mapping())))
        .hasMessageContaining("CAP_CHECKPOINT_RESTORE");
  }

  @Test
  void aHoleHasRoomForAPageThatBeginsWhereAPageMay() {
    assertThat(kind().holeBytes(sample())).isEqualTo(8 << 20);
  }

  @Test
  void whoMayNotFollowLinksOfMapFilesCannotRestoreIt() {
    assertThat(kind().obstacles(sample(), new MemoryHost())).hasSize(1);
    assertThat(kind().obstacles(sample(), new MemoryHost().capable("CAP_CHECKPOINT_RESTORE"))).isEmpty();
  }
}
