package stasis.kinds.file.memfd;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.kinds.fake.FakeFile;
import stasis.kinds.fake.FakeOpenFile;
import stasis.kinds.fake.MemoryContract;
import stasis.procfs.FileStat;
import stasis.resource.BodyKey;
import stasis.resource.FileKind;
import stasis.resource.Script;

class MemfdTest extends MemoryContract<Memfd.State> {
  private static final FileStat UNLINKED = stat(FileStat.S_IFREG | 0777, 77, 0, 10);

  private static FakeFile file(String link) {
    return new FakeFile(link, "pos:\t3\nflags:\t02104002\nmnt_id:\t1\nino:\t77\n", UNLINKED);
  }

  @Override
  protected FileKind<Memfd.State> kind() {
    return new Memfd();
  }

  @Override
  protected Memfd.State sample() {
    return new Memfd.State(new ObjectId(100), 0104002, 3, true);
  }

  @Override
  protected void program(Script script) {
    kind().restore(sample(), script, REFS);
    kind().restore(new Memfd.State(new ObjectId(100), 0100000, 0, false), script, REFS);
  }

  @Test
  void offsetAndFlagsAreTheDescriptionsTheRestIsTheBodys() throws stasis.resource.ObstructedException {
    FakeFile file = file("/memfd:x (deleted)");
    assertThat(kind().checkpoint(file)).as("close-on-exec belongs to the fd").isEqualTo(sample());
    assertThat(file.bodies()).containsExactly(new BodyKey("body.memfd", 0x801, 77));
    assertThat(kind().needs(sample())).containsExactly(new ObjectId(100));
  }

  @Test
  void onlyOneIsTheFirstAndNoneThatWasOpenedByFlagsOfItsOwn() throws stasis.resource.ObstructedException {
    FakeOpenFile first = new FakeOpenFile("/memfd:x (deleted)", FileStat.S_IFREG | 0600, 0, "0100002").as(31);
    FakeOpenFile second = new FakeOpenFile("/memfd:x (deleted)", FileStat.S_IFREG | 0600, 0, "0100002").with(first);
    FakeOpenFile synchronous = new FakeOpenFile("/memfd:x (deleted)", FileStat.S_IFREG | 0600, 0, "04110002");

    assertThat(kind().checkpoint(first).first()).isTrue();
    assertThat(kind().checkpoint(second).first()).isFalse();
    assertThat(kind().checkpoint(synchronous).first()).isFalse();
  }

  @Test
  void aLivingFileOfSuchANameIsNoMemfd() {
    assertThat(kind().recognises(file("/memfd:x (deleted)"))).isTrue();
    assertThat(kind().recognises(file("/tmp/x (deleted)"))).isFalse();
    assertThat(kind().recognises(new FakeFile("/memfd:x (deleted)", "pos:\t0\nflags:\t02\n", regular(7, 1)))).isFalse();
  }
}
