package stasis.kinds.file.console;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeHost;
import stasis.kinds.fake.FakeOpenFile;
import stasis.linux.abi.PathBytes;
import stasis.procfs.Device;
import stasis.procfs.FileStat;
import stasis.resource.Kind;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;

class ConsoleTest extends AspectContract<Console.State> {
  private final Console kind = new Console();

  @Override
  protected Kind<Console.State> kind() {
    return kind;
  }

  @Override
  protected Console.State sample() {
    return new Console.State(PathBytes.of("/dev/tty5"), 0100002, 4, 5);
  }

  private static FakeOpenFile device(String path, int major, int minor) {
    return new FakeOpenFile(path, new FileStat(Device.NONE, 7, FileStat.S_IFCHR | 0600, 1, new Device(major, minor), 0,
        Instant.EPOCH), "0100002");
  }

  @Test
  void virtualConsolesAndTheSystemsOne() throws ObstructedException {
    assertThat(kind.recognises(device("/dev/tty5", 4, 5))).isTrue();
    assertThat(kind.recognises(device("/dev/console", 5, 1))).isTrue();
    assertThat(kind.recognises(device("/dev/ttyS0", 4, 64))).as("a serial line").isFalse();
    assertThat(kind.recognises(device("/dev/tty", 5, 0))).isFalse();
    assertThat(kind.checkpoint(device("/dev/tty5", 4, 5).reachable())).isEqualTo(sample());
  }

  @Test
  void oneOnStandardInputIsTheRestorers() {
    assertThat(kind.recognises(device("/dev/tty5", 4, 5).with(device("/dev/tty5", 4, 5).at(0)))).isFalse();
  }

  @Test
  void aNodeThatIsGoneIsRefused() {
    assertThatThrownBy(() -> kind.checkpoint(device("/dev/tty5", 4, 5))).isInstanceOf(ObstructedException.class);
    assertThat(kind.obstacles(sample(), new FakeHost())).singleElement().isInstanceOf(Obstacle.Changed.class);
  }
}
