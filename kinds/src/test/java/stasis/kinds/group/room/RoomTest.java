package stasis.kinds.group.room;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.procfs.Limits;
import stasis.resource.Kind;

class RoomTest extends AspectContract<Room.State> {
  private final Room kind = new Room();

  @Override
  protected Kind<Room.State> kind() {
    return kind;
  }

  @Override
  protected Room.State sample() {
    return new Room.State(List.of(Limits.Resource.NOFILE));
  }

  @Test
  void openFilesAreAmongWhatIsRaised() {
    assertThat(kind.checkpoint(new FakeGroup(), noAnswers()).orElseThrow().raised())
        .contains(Limits.Resource.NOFILE, Limits.Resource.SIGPENDING);
  }
}
