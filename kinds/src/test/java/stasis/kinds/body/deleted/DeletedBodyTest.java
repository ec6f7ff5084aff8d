package stasis.kinds.body.deleted;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeHost;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FileStat;
import stasis.resource.Kind;

class DeletedBodyTest extends AspectContract<DeletedBody.State> {
  private final DeletedBody kind = new DeletedBody();

  @Override
  protected Kind<DeletedBody.State> kind() {
    return kind;
  }

  @Override
  protected DeletedBody.State sample() {
    return new DeletedBody.State(PathBytes.of("/srv/gone"), false, 5008, 0640,
        Optional.of(new DeletedBody.Owner(1000, 100)),
        1_500_000_000L, 0, List.of(new DeletedBody.ByName(new ObjectId(12), 0402002)), Optional.empty());
  }

  private static DeletedBody.State state(int otherNames) {
    return new DeletedBody.State(PathBytes.of("/srv/gone"), false, 0, 0640,
        Optional.of(new DeletedBody.Owner(0, 0)), 0, otherNames, List.of(), Optional.empty());
  }

  @Test
  void lossOfNameOrDirectoryIsTold() {
    FakeHost host = new FakeHost().file("/srv", FileStat.S_IFDIR);

    assertThat(kind.losses(state(0), host)).isEmpty();
    assertThat(kind.losses(state(1), host)).hasSize(1);
    assertThat(kind.losses(state(0), new FakeHost())).hasSize(1);
    assertThat(kind.losses(state(0), host.file("/srv/gone", FileStat.S_IFREG))).hasSize(1);
  }

  @Test
  void flagThatNeedsANameIsToldWhereThereIsNone() {
    FakeHost host = new FakeHost().file("/srv", FileStat.S_IFDIR);

    assertThat(kind.losses(sample(), host)).isEmpty();
    assertThat(kind.losses(sample(), host.file("/srv/gone", FileStat.S_IFREG))).hasSize(2)
        .anyMatch(loss -> loss.detail().contains("O_NOFOLLOW"));
  }

  @Test
  void fileThatNeverHadANameGetsNone() {
    DeletedBody.State nameless = new DeletedBody.State(PathBytes.of("/srv/#7"), true, 0, 0600, Optional.empty(), 0, 0,
        List.of(), Optional.of(new DeletedBody.Maker(new ObjectId(13), 1)));

    assertThat(explain(nameless)).doesNotContain("unlinkat").contains("description #13, which made it");
  }
}
