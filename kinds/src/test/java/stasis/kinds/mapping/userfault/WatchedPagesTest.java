package stasis.kinds.mapping.userfault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeMapping;
import stasis.kinds.fake.FakeOpenFile;
import stasis.kinds.fake.MemoryContract;
import stasis.linux.abi.RemoteAddress;
import stasis.resource.Answers;
import stasis.resource.Extent;
import stasis.resource.MappingAspect;
import stasis.resource.ObstructedException;
import stasis.resource.Script;

class WatchedPagesTest extends MemoryContract<WatchedPages.State> {
  private static final String LINE = "7f0000000000-7f0000004000 rw-p 00000000 00:00 0";

  @Override
  protected MappingAspect<WatchedPages.State> kind() {
    return new WatchedPages();
  }

  @Override
  protected WatchedPages.State sample() {
    return new WatchedPages.State(List.of(new Extent(new RemoteAddress(0x7f0000001000L), 4096)));
  }

  @Override
  protected void program(Script script) {
    attach(kind(), Optional.of(sample()), FakeMapping.of(LINE, "rd wr mr mw me um"), script);
  }

  private static FakeMapping mapping(String line, String flags) {
    return FakeMapping.of(line, "rd wr mr mw me " + flags).group(new FakeGroup()
        .opened(new FakeOpenFile("anon_inode:[userfaultfd]", 0600, 1, "02")));
  }

  @Test
  void onlyMemoryThatIsRegisteredIsLookedAt() throws ObstructedException {
    assertThat(kind().checkpoint(mapping(LINE, ""), new Answers(Map.of()))).isEmpty();
    assertThat(kind().checkpoint(mapping(LINE, "um"), new Answers(Map.of())))
        .contains(new WatchedPages.State(List.of()));
  }

  @Test
  void memoryWhoseWritesSomebodyOutsideHasNotedIsAsAnyOther() throws ObstructedException {
    assertThat(kind().checkpoint(FakeMapping.of(LINE, "rd wr mr mw me uw").group(new FakeGroup().notingWrites()),
        new Answers(Map.of()))).isEmpty();
    assertThatThrownBy(() -> kind().checkpoint(FakeMapping.of(LINE, "rd wr um uw").group(
        new FakeGroup().notingWrites()), new Answers(Map.of()))).hasMessageContaining("does not have");
  }

  @Test
  void whatCannotBeMadeExactlyIsRefused() {
    assertThatThrownBy(() -> kind().checkpoint(mapping(LINE, "ui"), new Answers(Map.of())))
        .isInstanceOf(ObstructedException.class).hasMessageContaining("MINOR");
    assertThatThrownBy(() -> kind().checkpoint(mapping(LINE.replace("rw-p", "rw-s"), "um"), new Answers(Map.of())))
        .hasMessageContaining("shared memory");
    assertThatThrownBy(() -> kind().checkpoint(FakeMapping.of(LINE, "rd wr mr mw me uw").group(new FakeGroup()),
        new Answers(Map.of()))).hasMessageContaining("does not have");
  }
}
