package stasis.kinds.mapping.anoncopy;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.kinds.fake.FakeMapping;
import stasis.kinds.fake.MemoryContract;
import stasis.kinds.fake.MemoryHost;
import stasis.procfs.FileStat;
import stasis.resource.BodyKey;
import stasis.resource.MappingKind;
import stasis.resource.ObstructedException;
import stasis.resource.Script;

class AnonCopyTest extends MemoryContract<AnonCopy.State> {
  private static FakeMapping unseen() {
    return FakeMapping.of("7f0000000000-7f0000002000 rw-p 00001000 00:01 9   /dev/zero (deleted)", "rd wr mr mw me ac");
  }

  private static FakeMapping mapping() {
    return unseen().facts(stat(FileStat.S_IFREG | 0777, 9, 0, 0x5000));
  }

  @Override
  protected MappingKind<AnonCopy.State> kind() {
    return new AnonCopy();
  }

  @Override
  protected AnonCopy.State sample() {
    return new AnonCopy.State(new ObjectId(100), 0x5000);
  }

  @Override
  protected void program(Script script) throws ObstructedException {
    map(kind(), script, mapping());
  }

  @Test
  void itLiesOnTheSharedMemoryAndHasPagesOfItsOwn() throws ObstructedException {
    FakeMapping mapping = mapping();
    assertThat(kind().checkpoint(mapping)).isEqualTo(sample());
    assertThat(mapping.bodies()).containsExactly(new BodyKey("body.sharedanon", mapping.vma().device().stat(), 9));
    assertThat(kind().needs(sample())).containsExactly(new ObjectId(100));
    assertThat(kind().pages(sample())).isEqualTo(MappingKind.Pages.PRIVATE);
  }

  @Test
  void memoryThatCannotBeLookedAtIsNotTaken() {
    assertThat(kind().recognises(mapping())).isTrue();
    assertThat(kind().recognises(unseen())).isFalse();
  }

  @Test
  void whoMayNotFollowLinksOfMapFilesCannotRestoreIt() {
    assertThat(kind().obstacles(sample(), new MemoryHost())).hasSize(1);
    assertThat(kind().obstacles(sample(), new MemoryHost().capable("CAP_SYS_ADMIN"))).isEmpty();
  }
}
