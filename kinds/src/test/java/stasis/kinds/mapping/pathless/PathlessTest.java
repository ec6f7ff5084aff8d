package stasis.kinds.mapping.pathless;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.kinds.fake.FakeMapping;
import stasis.kinds.fake.MemoryContract;
import stasis.procfs.FileStat;
import stasis.resource.BodyKey;
import stasis.resource.MappingKind;
import stasis.resource.ObstructedException;
import stasis.resource.Script;

class PathlessTest extends MemoryContract<Pathless.State> {
  private static FakeMapping memfd(String flags) {
    return FakeMapping.of("7f0000000000-7f0000002000 r--s 00003000 00:01 1032                       "
        + "/memfd:a\\012b (deleted)", flags);
  }

  private static FakeMapping deleted() {
    return FakeMapping.of("7f0000010000-7f0000011000 rw-p 00000000 08:01 77                         "
        + "/tmp/x (deleted)", "rd wr mr mw me ac");
  }

  @Override
  protected MappingKind<Pathless.State> kind() {
    return new Pathless();
  }

  @Override
  protected Pathless.State sample() {
    return new Pathless.State(new ObjectId(100), true, false);
  }

  @Override
  protected void program(Script script) throws ObstructedException {
    map(kind(), script, memfd("rd sh mr mw me ms"));
    map(kind(), script, memfd("rd mr me ms"));
    map(kind(), script, deleted());
  }

  @Test
  void aMemfdAndADeletedFileAreBodiesOfTheirOwnKinds() throws ObstructedException {
    FakeMapping memfd = memfd("rd mr me ms");
    FakeMapping deleted = deleted();
    assertThat(kind().checkpoint(memfd)).isEqualTo(sample());
    assertThat(memfd.bodies()).containsExactly(new BodyKey("body.memfd", 1, 1032));
    kind().checkpoint(deleted);
    assertThat(deleted.bodies()).containsExactly(new BodyKey("body.deleted", 0x801, 77));
  }

  @Test
  void onlyPrivateMappingsHavePagesOfTheirOwn() throws ObstructedException {
    assertThat(kind().pages(kind().checkpoint(memfd("rd mr me ms")))).isEqualTo(MappingKind.Pages.NONE);
    assertThat(kind().pages(kind().checkpoint(deleted()))).isEqualTo(MappingKind.Pages.PRIVATE);
  }

  @Test
  void whatOnlyPrintsLikeADeletedFileIsNone() {
    assertThat(kind().recognises(memfd("rd mr me ms"))).isTrue();
    assertThat(kind().recognises(deleted())).isTrue();
    assertThat(kind().recognises(deleted().facts(stat(FileStat.S_IFREG, 77, 0, 10)))).isTrue();
    assertThat(kind().recognises(deleted().facts(regular(77, 10)))).as("it has a name still").isFalse();
    for (String name : new String[] {"/dev/zero (deleted)", "/SYSV00000000 (deleted)", "/anon_hugepage (deleted)",
        "/[aio] (deleted)", "/secretmem (deleted)"}) {
      assertThat(kind().recognises(FakeMapping.of("7f0000000000-7f0000002000 rw-s 00000000 00:01 9 " + name,
          "rd wr sh mr mw me ms"))).as(name).isFalse();
    }
  }
}
