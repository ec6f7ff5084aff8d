package stasis.kinds.group.terminal;

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

class TerminalTest extends AspectContract<Terminal.State> {
  private final Terminal kind = new Terminal();

  @Override
  protected Kind<Terminal.State> kind() {
    return kind;
  }

  @Override
  protected Terminal.State sample() {
    return new Terminal.State(4711, "136:7", Optional.of(7), Optional.of(new ObjectId(9)));
  }

  private static FakeGroup leader(int session, long terminal) {
    FakeGroup group = new FakeGroup();
    group.leader().stat(6, session).stat(7, terminal);
    return group.opened(new FakeOpenFile("/dev/ptmx", new FileStat(Device.NONE, 7, FileStat.S_IFCHR, 1,
        new Device(5, 2), 0, Instant.EPOCH), "02", "tty-index:\t7"));
  }

  @Test
  void theLeaderOfASessionHasItsTerminalOfTheTreeAgain() {
    Terminal.State state = kind.checkpoint(leader(4711, 136 << 8 | 7), noAnswers()).orElseThrow();

    assertThat(state.pty()).contains(7);
    assertThat(kind.losses(state)).isEmpty();
  }

  @Test
  void aTerminalOfOthersIsTold() {
    Terminal.State state = kind.checkpoint(leader(4711, 136 << 8 | 8), noAnswers()).orElseThrow();

    assertThat(kind.losses(state)).hasSize(1);
    assertThat(explain(state)).isEmpty();
  }

  @Test
  void onlyTheLeaderTakesIt() {
    assertThat(kind.checkpoint(leader(50, 136 << 8 | 7), noAnswers())).isEmpty();
    assertThat(kind.checkpoint(leader(4711, 0), noAnswers())).isEmpty();
  }
}
