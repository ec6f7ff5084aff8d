package stasis.kinds.mapping.hugeanon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeMapping;
import stasis.kinds.fake.MemoryContract;
import stasis.resource.MappingKind;
import stasis.resource.ObstructedException;
import stasis.resource.Script;

class HugeAnonymousTest extends MemoryContract<HugeAnonymous.State> {
  private static final String NAME = "   /anon_hugepage (deleted)";

  private static FakeMapping mapping(String range, String offset, String flags) {
    return FakeMapping.of(range + " rw-p " + offset + " 00:11 9" + NAME, flags);
  }

  private static FakeMapping plain() {
    return mapping("7f0000000000-7f0000400000", "00000000", "rd wr mr mw me de ht");
  }

  @Override
  protected MappingKind<HugeAnonymous.State> kind() {
    return new HugeAnonymous();
  }

  @Override
  protected HugeAnonymous.State sample() {
    return new HugeAnonymous.State(2 << 20, false);
  }

  @Override
  protected void program(Script script) throws ObstructedException {
    map(kind(), script, plain(), mapping("7f0000600000-7f0000800000", "00200000", "rd wr mr mw me de nr ht"));
  }

  @Test
  void itsPagesAreStoredAsTheTasksOwn() throws ObstructedException {
    assertThat(kind().checkpoint(plain())).isEqualTo(sample());
    assertThat(kind().pages(sample())).isEqualTo(MappingKind.Pages.PRIVATE);
  }

  @Test
  void partsOfOneMappingAreToldToComeApart() throws ObstructedException {
    var parts = FakeMapping.neighbours(mapping("7f0000000000-7f0000200000", "00000000", "rd wr mr mw me de dd ht"),
        mapping("7f0000200000-7f0000400000", "00200000", "rd wr mr mw me de ht"));
    assertThat(kind().losses(kind().checkpoint(parts.getLast()))).hasSize(1);
    assertThat(kind().losses(sample())).isEmpty();
  }

  @Test
  void aPrivateViewOfSharedMemoryIsNotTaken() {
    var group = new FakeGroup().file("maps",
        "7e0000000000-7e0000400000 rw-s 00000000 00:11 9                          /anon_hugepage (deleted)\n");
    assertThat(kind().recognises(plain().group(group))).isFalse();
  }

  @Test
  void sharedMemoryIsNotTaken() {
    assertThat(kind().recognises(plain())).isTrue();
    assertThat(kind().recognises(FakeMapping.of("7f0000000000-7f0000400000 rw-s 00000000 00:11 9" + NAME,
        "rd wr sh mr mw me ms de ht"))).isFalse();
  }

  @Test
  void aSizeThatIsNoneIsNotDecoded() {
    assertThatThrownBy(() -> new HugeAnonymous.State(3 << 20, false)).isInstanceOf(IllegalArgumentException.class);
  }
}
