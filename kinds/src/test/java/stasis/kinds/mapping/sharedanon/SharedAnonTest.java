package stasis.kinds.mapping.sharedanon;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.kinds.fake.FakeMapping;
import stasis.kinds.fake.MemoryContract;
import stasis.resource.BodyKey;
import stasis.resource.MappingKind;
import stasis.resource.ObstructedException;
import stasis.resource.Script;

class SharedAnonTest extends MemoryContract<SharedAnon.State> {
  private static FakeMapping writable() {
    return FakeMapping.of("7f0000000000-7f0000002000 rw-s 00000000 00:01 1028                       "
        + "/dev/zero (deleted)", "rd wr sh mr mw me ms");
  }

  private static FakeMapping constant() {
    return FakeMapping.of("7f0000010000-7f0000011000 r--s 00003000 00:01 1028                       "
        + "/dev/zero (deleted)", "rd sh mr mw me ms");
  }

  @Override
  protected MappingKind<SharedAnon.State> kind() {
    return new SharedAnon();
  }

  @Override
  protected SharedAnon.State sample() {
    return new SharedAnon.State(new ObjectId(100));
  }

  @Override
  protected void program(Script script) throws ObstructedException {
    map(kind(), script, writable(), constant());
  }

  @Test
  void vmasOfOneInodeLieOnOneBody() throws ObstructedException {
    FakeMapping mapping = constant();
    assertThat(kind().checkpoint(mapping)).isEqualTo(sample());
    assertThat(kind().needs(sample())).containsExactly(new ObjectId(100));
    assertThat(mapping.bodies()).containsExactly(new BodyKey("body.sharedanon", 1, 1028));
    assertThat(kind().key(writable())).isEqualTo(kind().key(constant()));
  }

  @Test
  void aNameHidesTheDeviceButNotTheSharing() {
    assertThat(kind().recognises(FakeMapping.of("7f0000000000-7f0000002000 rw-s 00000000 00:01 9 [anon_shmem:x]",
        "rd wr sh mr mw me ms"))).isTrue();
    assertThat(kind().recognises(FakeMapping.of("7f0000000000-7f0000002000 rw-p 00000000 00:06 4 /dev/zero",
        "rd wr mr mw me ac"))).isFalse();
  }
}
