package stasis.kinds.mapping.sysvshm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeMapping;
import stasis.kinds.fake.MemoryContract;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.BodyKey;
import stasis.resource.MappingKind;
import stasis.resource.ObstructedException;
import stasis.resource.Script;

class SysvShmTest extends MemoryContract<SysvShm.State> {
  private static final int IPC_STAT = 2;
  private static final int STRUCT_BYTES = 112;
  private static final int SIZE_OFFSET = 48;

  private static FakeMapping part(String range, String offset, String flags) {
    var group = new FakeGroup();
    group.leader().observing(new Answer(0, Map.of(2, Bytes.zeros(STRUCT_BYTES).withU64(SIZE_OFFSET, 0x3f9c))),
        Nr.SHMCTL, Arg.imm(1028), Arg.imm(IPC_STAT), Arg.space(STRUCT_BYTES));
    return FakeMapping.of(range + " " + offset + " 00:01 1028                       /SYSV0000002a (deleted)", flags)
        .group(group);
  }

  private static FakeMapping writable() {
    return part("7f0000000000-7f0000002000 rw-s", "00001000", "rd wr sh mr mw me ms");
  }

  private static FakeMapping constant() {
    return part("7f0000010000-7f0000014000 r--s", "00000000", "rd mr me ms");
  }

  private static FakeMapping hidden() {
    return part("7f0000020000-7f0000024000 ---s", "00000000", "sh mr mw me ms");
  }

  @Override
  protected MappingKind<SysvShm.State> kind() {
    return new SysvShm();
  }

  @Override
  protected SysvShm.State sample() {
    return new SysvShm.State(new ObjectId(100), true, 0x4000, Optional.empty());
  }

  @Override
  protected void program(Script script) throws ObstructedException {
    map(kind(), script, writable(), hidden());
    map(kind(), script, constant());
    map(kind(), script, huge("7f0000200000-7f0000400000 rw-s"));
  }

  @Test
  void attachesOfOneSegmentLieOnOneBodyReadOnlyOnesApart() throws ObstructedException {
    FakeMapping mapping = constant();
    assertThat(kind().checkpoint(mapping)).isEqualTo(sample());
    assertThat(kind().needs(sample())).containsExactly(new ObjectId(100));
    assertThat(mapping.bodies()).containsExactly(new BodyKey("body.sysvshm", 1, 1028));
    assertThat(kind().key(writable())).isEqualTo(kind().key(hidden())).isNotEqualTo(kind().key(constant()));
  }

  private static FakeMapping huge(String range) {
    return part(range, "00000000", "rd wr sh mr mw me ms de ht");
  }

  @Test
  void hugePagesAreAttachedWholeOrRefused() throws ObstructedException {
    var state = kind().checkpoint(huge("7f0000200000-7f0000400000 rw-s"));
    assertThat(state).isEqualTo(new SysvShm.State(new ObjectId(100), false, 2 << 20, Optional.of(1028)));
    assertThatThrownBy(() -> kind().checkpoint(huge("7f0000200000-7f0000600000 rw-s")))
        .isInstanceOf(ObstructedException.class).hasMessageContaining("huge pages");
  }

  @Test
  void aSegmentThatMayNotBeLookedAtIsRefused() {
    FakeMapping mapping = writable().group(new FakeGroup());
    assertThatThrownBy(() -> kind().checkpoint(mapping)).isInstanceOf(ObstructedException.class)
        .hasMessageContaining("cannot be looked at");
  }
}
