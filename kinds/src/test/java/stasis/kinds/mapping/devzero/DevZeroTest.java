package stasis.kinds.mapping.devzero;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.FakeMapping;
import stasis.kinds.fake.MemoryContract;
import stasis.kinds.fake.MemoryHost;
import stasis.linux.abi.PathBytes;
import stasis.procfs.Device;
import stasis.procfs.FileStat;
import stasis.resource.MappingKind;
import stasis.resource.ObstructedException;
import stasis.resource.Script;

class DevZeroTest extends MemoryContract<DevZero.State> {
  private static final FileStat ZERO = new FileStat(new Device(0, 6), 4, FileStat.S_IFCHR | 0666, 1, new Device(1, 5),
      0, Instant.EPOCH);

  private static FakeMapping mapping() {
    return FakeMapping.of("7f0000000000-7f0000004000 rw-p 00000000 00:06 4                          /dev/zero",
        "rd wr mr mw me ac").facts(ZERO);
  }

  @Override
  protected MappingKind<DevZero.State> kind() {
    return new DevZero();
  }

  @Override
  protected DevZero.State sample() {
    return new DevZero.State(PathBytes.of("/dev/zero"));
  }

  @Override
  protected void program(Script script) throws ObstructedException {
    map(kind(), script, mapping());
  }

  @Test
  void aDeviceOfAnotherNumberIsNotTheZeroDevice() {
    var sound = new FileStat(new Device(0, 6), 9, FileStat.S_IFCHR | 0660, 1, new Device(116, 3), 0, Instant.EPOCH);
    assertThat(kind().recognises(mapping())).isTrue();
    assertThat(kind().recognises(mapping().facts(sound))).isFalse();
  }

  @Test
  void aHostWithoutTheDeviceIsAnObstacle() {
    assertThat(kind().obstacles(sample(), new MemoryHost().file("/dev/zero", ZERO, 0))).isEmpty();
    assertThat(kind().obstacles(sample(), new MemoryHost().file("/dev/zero", regular(4, 0), 0))).hasSize(1);
  }
}
