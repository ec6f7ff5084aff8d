package stasis.kinds.body.sharedanon;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.kinds.fake.FakeBody;
import stasis.kinds.fake.FakeMapping;
import stasis.kinds.fake.MemoryContract;
import stasis.procfs.FileStat;
import stasis.resource.BodyKind;
import stasis.resource.ObstructedException;
import stasis.resource.Script;

class SharedAnonBodyTest extends MemoryContract<SharedAnonBody.State> {
  private static final ObjectId SELF = new ObjectId(3);

  private static FakeMapping part(String range, String offset, String flags) {
    return FakeMapping.of(range + " rw-s " + offset + " 00:01 9   /dev/zero (deleted)", flags);
  }

  @Override
  protected BodyKind<SharedAnonBody.State> kind() {
    return new SharedAnonBody();
  }

  @Override
  protected SharedAnonBody.State sample() {
    return new SharedAnonBody.State(0x6000, true, 0x1000);
  }

  @Override
  protected void program(Script script) {
    kind().restore(sample(), SELF, script, REFS);
    kind().finish(sample(), SELF, script, REFS);
  }

  private SharedAnonBody.State checkpoint(FakeMapping... mappings) throws ObstructedException {
    return kind().checkpoint(new FakeBody(SELF).mapped(mappings));
  }

  @Test
  void withoutTheRightToLookItReachesAsFarAsItIsMapped() throws ObstructedException {
    assertThat(checkpoint(part("7f0000010000-7f0000013000", "00003000", "rd wr sh mr mw me ms nr"),
        part("7f0000000000-7f0000002000", "00000000", "rd wr sh mr mw me ms nr"))).isEqualTo(sample());
    assertThat(kind().losses(sample())).hasSize(1);
  }

  @Test
  void whoMayLookSeesItWhole() throws ObstructedException {
    var state = checkpoint(part("7f0000000000-7f0000002000", "00000000", "rd wr sh mr mw me ms")
        .facts(stat(FileStat.S_IFREG | 0777, 9, 0, 0x8000)));
    assertThat(state).isEqualTo(new SharedAnonBody.State(0x8000, false, 0));
    assertThat(kind().losses(state)).isEmpty();
    assertThat(kind().holeBytes(state)).isEqualTo(0x8000);
  }
}
