package stasis.kinds.group.foreground;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeOpenFile;
import stasis.procfs.Device;
import stasis.procfs.FileStat;
import stasis.resource.Kind;

class ForegroundTest extends AspectContract<Foreground.State> {
  private final Foreground kind = new Foreground();

  @Override
  protected Kind<Foreground.State> kind() {
    return kind;
  }

  @Override
  protected Foreground.State sample() {
    return new Foreground.State(4713, Optional.of(new ObjectId(3)));
  }

  private static FakeGroup leader(int master, long foreground) {
    FakeGroup group = new FakeGroup();
    group.leader().stat(6, 4711).stat(7, 136 << 8 | 7).stat(8, foreground);
    return group.opened(new FakeOpenFile("/dev/ptmx", new FileStat(Device.NONE, 7, FileStat.S_IFCHR, 1,
        new Device(5, 2), 0, Instant.EPOCH), "02", "tty-index:\t" + master));
  }

  @Test
  void theLeaderTellsATerminalOfTheTree() {
    assertThat(kind.checkpoint(leader(7, 4800), noAnswers())).contains(new Foreground.State(4800, Optional.empty()));
    assertThat(kind.checkpoint(leader(8, 4800), noAnswers())).isEmpty();
    assertThat(kind.checkpoint(leader(7, -1), noAnswers())).isEmpty();
  }
}
