package stasis.kinds.file.deleted;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeOpenFile;
import stasis.kinds.file.FileLock;
import stasis.procfs.FileStat;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class DeletedFileTest extends AspectContract<DeletedFile.State> {
  private final DeletedFile kind = new DeletedFile();

  @Override
  protected Kind<DeletedFile.State> kind() {
    return kind;
  }

  @Override
  protected DeletedFile.State sample() {
    return new DeletedFile.State(new ObjectId(9), 0502002, 5000,
        List.of(new FileLock(FileLock.Sort.OFD, false, 5, 0, Optional.empty())), Optional.of(new ObjectId(12)));
  }

  @Test
  void fileIsDeletedWhenItsNameIsGoneThoughItHasAnother() {
    assertThat(kind.recognises(new FakeOpenFile("/srv/x (deleted)", FileStat.S_IFREG, 0, "02"))).isTrue();
    assertThat(kind.recognises(new FakeOpenFile("/srv/x (deleted)", FileStat.S_IFREG, 1, "02"))).isTrue();
    assertThat(kind.recognises(new FakeOpenFile("/srv/x (deleted)", FileStat.S_IFREG, 1, "02").reachable())).isFalse();
  }

  @Test
  void temporaryFileIsTheDescriptionThatMadeIt() throws ObstructedException {
    FakeOpenFile file = new FakeOpenFile("/srv/#7 (deleted)", FileStat.S_IFREG, 0, "020300002");

    assertThat(kind.checkpoint(file)).isEqualTo(new DeletedFile.State(new ObjectId(2000), 0100002, 0, List.of(),
        Optional.of(file.id())));
  }
}
