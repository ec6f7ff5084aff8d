package stasis.kinds.mapping.hugeshared;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Set;
import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.kinds.fake.FakeMapping;
import stasis.kinds.fake.MemoryContract;
import stasis.procfs.FileStat;
import stasis.resource.BodyKey;
import stasis.resource.MappingKind;
import stasis.resource.ObstructedException;
import stasis.resource.Script;

class HugeSharedTest extends MemoryContract<HugeShared.State> {
  private static FakeMapping unseen(String range, String offset, String flags) {
    return FakeMapping.of(range + " rw-s " + offset + " 00:11 9   /anon_hugepage (deleted)", flags);
  }

  private static FakeMapping mapping(String range, String offset, String flags) {
    return unseen(range, offset, flags).facts(stat(FileStat.S_IFREG | 0777, 9, 0, 6 << 20));
  }

  private static FakeMapping whole() {
    return mapping("7f0000000000-7f0000600000", "00000000", "rd wr sh mr mw me ms de ht");
  }

  @Override
  protected MappingKind<HugeShared.State> kind() {
    return new HugeShared();
  }

  @Override
  protected HugeShared.State sample() {
    return new HugeShared.State(new ObjectId(100), 6 << 20, 2 << 20);
  }

  @Override
  protected void program(Script script) throws ObstructedException {
    map(kind(), script, whole(), mapping("7f0000800000-7f0000a00000", "00200000", "rd wr sh mr mw me ms de ht"));
  }

  @Test
  void mappingsOfOneMemoryLieOnOneBody() throws ObstructedException {
    FakeMapping mapping = whole();
    assertThat(kind().checkpoint(mapping)).isEqualTo(sample());
    assertThat(kind().needs(sample())).isEqualTo(Set.of(new ObjectId(100)));
    assertThat(mapping.bodies()).containsExactly(new BodyKey("body.hugeshared", mapping.vma().device().stat(), 9));
  }

  @Test
  void memoryWhoseSizeCannotBeToldIsNotTaken() {
    assertThat(kind().recognises(whole())).isTrue();
    assertThat(kind().recognises(unseen("7f0000000000-7f0000600000", "00000000", "rd wr sh mr mw me ms de ht")))
        .isFalse();
  }
}
