package stasis.kinds.mapping.privatefile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.FakeMapping;
import stasis.kinds.fake.MemoryContract;
import stasis.kinds.fake.MemoryHost;
import stasis.kinds.mapping.privatefile.PrivateFile.Checked;
import stasis.kinds.mapping.privatefile.PrivateFile.State;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FileStat;
import stasis.resource.MappingKind;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.Script;

class PrivateFileTest extends MemoryContract<State> {
  private static final String PATH = "/usr/lib/libx.so";
  private static final FileStat FILE = regular(77, 10_000);

  private static FakeMapping text() {
    return FakeMapping.of("7f0000000000-7f0000002000 r-xp 00001000 08:01 77                         " + PATH,
        "rd ex mr mw me").facts(FILE);
  }

  private static FakeMapping relro() {
    return FakeMapping.of("7f0000002000-7f0000003000 r--p 00002000 08:01 77                         " + PATH,
        "rd mr mw me ac").facts(FILE);
  }

  @Override
  protected MappingKind<State> kind() {
    return new PrivateFile();
  }

  @Override
  protected State sample() {
    return new State(PathBytes.of(PATH), FILE.device().stat(), 77, 10_000, 1_000_000_000_005L,
        Optional.of(new Checked(4096, 5904, 3 + 10_000)));
  }

  @Override
  protected void program(Script script) throws ObstructedException {
    map(kind(), script, text(), relro());
  }

  private State settled(FakeMapping... mappings) throws ObstructedException {
    return kind().settle(kind().checkpoint(mappings[0]), List.of(mappings).stream().map(FakeMapping::state).toList(),
        new MemoryHost().file(PATH, FILE, 3));
  }

  @Test
  void allThatIsMappedOfTheFileIsChecked() throws ObstructedException {
    assertThat(settled(text(), relro())).isEqualTo(sample());
  }

  @Test
  void aMappingBehindTheEndOfTheFileIsCheckedByItsSizeAlone() throws ObstructedException {
    FakeMapping behind = FakeMapping.of("7f0000000000-7f0000002000 r--p 00010000 08:01 77   " + PATH, "rd mr mw me")
        .facts(FILE);
    assertThat(settled(behind).checked()).isEmpty();
  }

  @Test
  void aFileThatChangedDuringTheCheckpointIsRefused() throws ObstructedException {
    State state = kind().checkpoint(text());
    for (FileStat now : List.of(regular(78, 10_000), regular(77, 10_001))) {
      MemoryHost host = new MemoryHost().file(PATH, now, 3);
      assertThatThrownBy(() -> kind().settle(state, List.of(text().state()), host))
          .isInstanceOf(ObstructedException.class).hasMessageContaining(PATH);
    }
    assertThatThrownBy(() -> kind().settle(state, List.of(text().state()), new MemoryHost()))
        .isInstanceOf(ObstructedException.class).hasMessageContaining("found nothing");
  }

  @Test
  void aCopyWithTheSameContentsWillDo() {
    MemoryHost host = new MemoryHost().file(PATH, stat(FileStat.S_IFREG | 0600, 9, 1, 10_000), 3);
    assertThat(kind().obstacles(sample(), host)).isEmpty();
  }

  @Test
  void otherContentsOrAnotherSizeAreNamedWithPathExpectedAndFound() {
    MemoryHost upgraded = new MemoryHost().file(PATH, FILE, 4);
    MemoryHost longer = new MemoryHost().file(PATH, regular(77, 10_001), 3);
    assertThat(kind().obstacles(sample(), upgraded)).singleElement().isInstanceOf(Obstacle.Changed.class)
        .extracting(Obstacle::text).asString().contains(PATH).contains("the contents it had");
    assertThat(kind().obstacles(sample(), longer)).singleElement().extracting(Obstacle::text).asString()
        .contains("10000 bytes").contains("10001 bytes");
    assertThat(kind().obstacles(sample(), new MemoryHost())).hasSize(1);
  }

  @Test
  void aFileNobodyMayReadIsALoss() throws ObstructedException {
    State state = kind().settle(kind().checkpoint(text()), List.of(text().state()),
        new MemoryHost().unreadable(PATH, FILE));
    assertThat(state.checked()).isEmpty();
    assertThat(kind().losses(state)).hasSize(1);
    assertThat(kind().losses(sample())).isEmpty();
  }

  @Test
  void sharedAndDeletedMappingsAreNotItsOwn() {
    assertThat(kind().recognises(text())).isTrue();
    assertThat(kind().recognises(text().facts(stat(FileStat.S_IFREG, 77, 0, 10_000)))).isFalse();
    assertThat(kind().recognises(FakeMapping.of("7f0000000000-7f0000002000 r--s 00001000 08:01 77   " + PATH,
        "rd mr me ms").facts(FILE))).isFalse();
    assertThat(kind().recognises(FakeMapping.of("7f0000000000-7f0000200000 rw-p 00000000 00:11 5   /huge/x",
        "rd wr mr mw me de ht").facts(FILE))).isTrue();
  }
}
