package stasis.kinds.mapping.vdso;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.FakeMapping;
import stasis.kinds.fake.MemoryContract;
import stasis.kinds.fake.MemoryHost;
import stasis.linux.abi.Bytes;
import stasis.resource.MappingKind;
import stasis.resource.ObstructedException;
import stasis.resource.Script;
import stasis.resource.VdsoImage;

class VdsoTest extends MemoryContract<Vdso.State> {
  private static final int SECTION_HEADERS = 64;
  /// An ELF header that says: one section header of 64 bytes, right behind.
  private static final Bytes IMAGE = Bytes.zeros(4096).withU32(0, 0x464c457f).withU64(0x28, SECTION_HEADERS)
      .withU32(0x38, 64 << 16).withU32(0x3c, 1);

  private static List<FakeMapping> vmas() {
    return FakeMapping.neighbours(
        FakeMapping.of("7f0000000000-7f0000004000 r--p 00000000 00:00 0   [vvar]", "rd mr pf io de dd"),
        FakeMapping.of("7f0000004000-7f0000006000 r--p 00000000 00:00 0   [vvar_vclock]", "rd mr pf io de dd"),
        FakeMapping.of("7f0000006000-7f0000007000 r-xp 00000000 00:00 0   [vdso]", "rd ex mr mw me de")
            .content(IMAGE));
  }

  @Override
  protected MappingKind<Vdso.State> kind() {
    return new Vdso();
  }

  @Override
  protected Vdso.State sample() throws ObstructedException {
    return kind().checkpoint(vmas().getLast());
  }

  @Override
  protected void program(Script script) throws ObstructedException {
    for (FakeMapping mapping : vmas()) {
      map(kind(), script, mapping);
    }
    map(kind(), script, FakeMapping.of("ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0   [vsyscall]", "ex"));
  }

  @Test
  void anotherVdsoIsNamedBeforeAnythingIsRestored() throws ObstructedException {
    assertThat(sample().digest()).isEqualTo(Optional.of(VdsoImage.digest(IMAGE)));
    assertThat(kind().obstacles(sample(), new MemoryHost().vdso(VdsoImage.digest(IMAGE)))).isEmpty();
    assertThat(kind().obstacles(sample(), new MemoryHost().vdso(Bytes.ofU64(1)))).hasSize(1);
  }

  @Test
  void whatATracerLeftBehindTheImageDoesNotCount() throws ObstructedException {
    var written = FakeMapping.neighbours(vmas().get(1),
        FakeMapping.of("7f0000006000-7f0000007000 r-xp 00000000 00:00 0   [vdso]", "rd ex mr mw me de")
            .content(IMAGE.withU64(4000, -1)));
    assertThat(kind().checkpoint(written.getLast())).isEqualTo(sample());
  }

  @Test
  void aVdsoInPiecesIsRefused() {
    for (FakeMapping alone : List.of(
        FakeMapping.of("7f0000000000-7f0000004000 r--p 00000000 00:00 0   [vvar]", "rd mr pf io de dd"),
        FakeMapping.of("7f0000006000-7f0000007000 r-xp 00000000 00:00 0   [vdso]", "rd ex mr mw me de"))) {
      assertThatThrownBy(() -> kind().checkpoint(alone)).isInstanceOf(ObstructedException.class)
          .hasMessageContaining("moved or unmapped");
    }
  }
}
