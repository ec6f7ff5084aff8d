package stasis.kinds.file.memdev;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeHost;
import stasis.kinds.fake.FakeOpenFile;
import stasis.linux.abi.PathBytes;
import stasis.procfs.Device;
import stasis.procfs.FileStat;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class MemoryDeviceTest extends AspectContract<MemoryDevice.State> {
  private final MemoryDevice kind = new MemoryDevice();

  @Override
  protected Kind<MemoryDevice.State> kind() {
    return kind;
  }

  @Override
  protected MemoryDevice.State sample() {
    return new MemoryDevice.State(PathBytes.of("/dev/null"), 0100002, 3, Optional.empty());
  }

  private static FileStat device(int major, int minor) {
    return new FileStat(Device.NONE, 7, FileStat.S_IFCHR | 0666, 1, new Device(major, minor), 0, Instant.EPOCH);
  }

  @Test
  void devicesWithoutStateAreKnownByTheirNumber() throws ObstructedException {
    assertThat(kind.checkpoint(new FakeOpenFile("/dev/null", device(1, 3), "0100002"))).isEqualTo(sample());
    assertThat(kind.recognises(new FakeOpenFile("/dev/urandom", device(1, 9), "0100000"))).isTrue();
    assertThat(kind.recognises(new FakeOpenFile("/dev/mem", device(1, 1), "0100000"))).isFalse();
    assertThat(kind.recognises(new FakeOpenFile("/dev/tty", device(5, 0), "0100000"))).isFalse();
  }

  @Test
  void aNodeThatWasDeletedIsMadeForAMoment() throws ObstructedException {
    FileStat gone = new FileStat(Device.NONE, 7, FileStat.S_IFCHR | 0666, 0, new Device(1, 3), 0, Instant.EPOCH);
    MemoryDevice.State state = kind.checkpoint(new FakeOpenFile("/srv/nothing (deleted)", gone, "0100002"));

    assertThat(state).isEqualTo(new MemoryDevice.State(PathBytes.of("/srv/nothing"), 0100002, 3, Optional.of(0666)));
    assertThat(kind.obstacles(state, new FakeHost())).isEmpty();
    assertThat(explain(state)).contains("mknodat").contains("unlinkat");
  }

  @Test
  void nodeThatIsNoDeviceAnyMoreIsRefused() {
    assertThat(kind.obstacles(sample(), new FakeHost().file("/dev/null", FileStat.S_IFREG))).isNotEmpty();
  }
}
