package stasis.kinds.mapping.sharedfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.FakeMapping;
import stasis.kinds.fake.MemoryContract;
import stasis.kinds.fake.MemoryHost;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FileStat;
import stasis.resource.MappingKind;
import stasis.resource.ObstructedException;
import stasis.resource.Script;

class SharedFileTest extends MemoryContract<SharedFile.State> {
  private static final String PATH = "/var/lib/data";
  private static final FileStat FILE = regular(77, 8192);

  private static FakeMapping writer() {
    return FakeMapping.of("7f0000000000-7f0000002000 rw-s 00000000 08:01 77                         " + PATH,
        "rd wr sh mr mw me ms").facts(FILE);
  }

  private static FakeMapping reader() {
    return FakeMapping.of("7f0000010000-7f0000011000 r--s 00001000 08:01 77                         " + PATH,
        "rd mr me ms").facts(FILE);
  }

  @Override
  protected MappingKind<SharedFile.State> kind() {
    return new SharedFile();
  }

  @Override
  protected SharedFile.State sample() {
    return new SharedFile.State(PathBytes.of(PATH), FILE.device().stat(), 77, 8192, true);
  }

  @Override
  protected void program(Script script) throws ObstructedException {
    map(kind(), script, writer());
    map(kind(), script, reader());
  }

  @Test
  void mappingsMadeWithAndWithoutTheRightToWriteAreOpenedApart() throws ObstructedException {
    assertThat(kind().key(writer())).isNotEqualTo(kind().key(reader()));
    assertThat(kind().checkpoint(writer())).isEqualTo(sample());
    assertThat(kind().checkpoint(reader()).writable()).isFalse();
  }

  @Test
  void theFileMayHaveGrownAndChangedButNotShrunk() {
    assertThat(kind().obstacles(sample(), new MemoryHost().file(PATH, regular(9, 9000), 1))).isEmpty();
    assertThat(kind().obstacles(sample(), new MemoryHost().file(PATH, regular(77, 8191), 1))).hasSize(1);
    assertThat(kind().obstacles(sample(), new MemoryHost())).hasSize(1);
  }

  @Test
  void aPathThatLeadsElsewhereIsRefusedAtTheCheckpoint() throws ObstructedException {
    SharedFile.State state = kind().checkpoint(writer());
    assertThat(kind().settle(state, List.of(), new MemoryHost().file(PATH, regular(77, 1), 1))).isEqualTo(state);
    assertThatThrownBy(() -> kind().settle(state, List.of(), new MemoryHost().file(PATH, regular(78, 8192), 1)))
        .isInstanceOf(ObstructedException.class).hasMessageContaining(PATH);
  }
}
