package stasis.kinds.file.sharedanon;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.kinds.fake.FakeFile;
import stasis.kinds.fake.MemoryContract;
import stasis.kinds.fake.MemoryHost;
import stasis.procfs.FileStat;
import stasis.resource.BodyKey;
import stasis.resource.FileKind;
import stasis.resource.ObstructedException;
import stasis.resource.Script;

class SharedAnonFileTest extends MemoryContract<SharedAnonFile.State> {
  private static FakeFile file(String link, int links) {
    return new FakeFile(link, "pos:\t3\nflags:\t02100002\nmnt_id:\t1\nino:\t77\n",
        stat(FileStat.S_IFREG | 0777, 77, links, 0x5000));
  }

  @Override
  protected FileKind<SharedAnonFile.State> kind() {
    return new SharedAnonFile();
  }

  @Override
  protected SharedAnonFile.State sample() {
    return new SharedAnonFile.State(new ObjectId(100), 0100002, 3, 0x5000);
  }

  @Override
  protected void program(Script script) {
    kind().restore(sample(), script, REFS);
  }

  @Test
  void itLiesOnTheMemoryThatMappingsHave() throws ObstructedException {
    FakeFile file = file("/dev/zero (deleted)", 0);
    assertThat(kind().checkpoint(file)).isEqualTo(sample());
    assertThat(file.bodies()).containsExactly(new BodyKey("body.sharedanon", 0x801, 77));
  }

  @Test
  void onlyWhatTheKernelNamesSoIsTaken() {
    assertThat(kind().recognises(file("/dev/zero (deleted)", 0))).isTrue();
    assertThat(kind().recognises(file("/dev/zero (deleted)", 1))).isFalse();
    assertThat(kind().recognises(file("/tmp/zero (deleted)", 0))).isFalse();
  }

  @Test
  void whoMayNotFollowLinksOfMapFilesCannotRestoreIt() {
    assertThat(kind().obstacles(sample(), new MemoryHost())).hasSize(1);
    assertThat(kind().obstacles(sample(), new MemoryHost().capable("CAP_CHECKPOINT_RESTORE"))).isEmpty();
  }
}
