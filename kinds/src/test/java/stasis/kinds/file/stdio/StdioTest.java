package stasis.kinds.file.stdio;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeOpenFile;
import stasis.kinds.fake.FakeRefs;
import stasis.linux.abi.Fd;
import stasis.procfs.Device;
import stasis.procfs.FileStat;
import stasis.resource.Kind;
import stasis.resource.Loss;
import stasis.resource.ObstructedException;

class StdioTest extends AspectContract<Stdio.State> {
  private final Stdio kind = new Stdio();

  @Override
  protected Kind<Stdio.State> kind() {
    return kind;
  }

  @Override
  protected Stdio.State sample() {
    return new Stdio.State(1, "pipe:[4711]");
  }

  @Test
  void pipeFromOutsideIsTakenOnStandardDescriptorsOnly() throws ObstructedException {
    FakeOpenFile file = new FakeOpenFile("pipe:[4711]", FileStat.S_IFIFO | 0600, 1, "01").at(1);

    assertThat(kind.recognises(file)).isTrue();
    assertThat(kind.checkpoint(file)).isEqualTo(sample());
    assertThat(kind.recognises(file.at(3))).isFalse();
  }

  @Test
  void eachStandardPlaceGetsTheRestorersOwn() {
    assertThat(kind.atPlace(sample(), new Fd(2), new Fd(99), new FakeRefs())).isEqualTo(new Fd(52));
    assertThat(kind.atPlace(sample(), new Fd(7), new Fd(99), new FakeRefs())).isEqualTo(new Fd(99));
  }

  @Test
  void terminalUnderAHigherNumberFollowsItsStandardOne() throws ObstructedException {
    FileStat terminal = new FileStat(Device.NONE, 7, FileStat.S_IFCHR | 0620, 1, new Device(136, 4), 0, Instant.EPOCH);
    FakeOpenFile high = new FakeOpenFile("/dev/pts/4", terminal, "02").at(255);

    assertThat(kind.recognises(high)).isFalse();
    assertThat(kind.checkpoint(high.with(new FakeOpenFile("/dev/pts/4", terminal, "02").at(2))).number()).isEqualTo(2);
  }

  @Test
  void theRuleIsTold() {
    assertThat(kind.losses(sample())).singleElement().extracting(Loss::detail).asString()
        .contains("restorer's own standard output");
  }
}
