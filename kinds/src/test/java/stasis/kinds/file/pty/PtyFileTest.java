package stasis.kinds.file.pty;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeOpenFile;
import stasis.linux.abi.PathBytes;
import stasis.procfs.Device;
import stasis.procfs.FileStat;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class PtyFileTest extends AspectContract<PtyFile.State> {
  private final PtyFile kind = new PtyFile();

  @Override
  protected Kind<PtyFile.State> kind() {
    return kind;
  }

  @Override
  protected PtyFile.State sample() {
    return new PtyFile.State(new ObjectId(9), 7, PtyFile.Side.MASTER, PathBytes.of("/dev/ptmx"), 0104002);
  }

  private static FakeOpenFile device(String link, int major, int minor, int links, String... lines) {
    return new FakeOpenFile(link, new FileStat(Device.NONE, 7, FileStat.S_IFCHR | 0620, links,
        new Device(major, minor), 0, Instant.EPOCH), "02", lines);
  }

  private static FakeOpenFile master(int number) {
    return device("/dev/ptmx", 5, 2, 1, "tty-index:\t" + number);
  }

  @Test
  void aSlaveIsOursWithItsMasterInTheTreeOrClosed() {
    assertThat(kind.recognises(device("/dev/pts/7", 136, 7, 1).with(master(7)))).isTrue();
    assertThat(kind.recognises(device("/dev/pts/7", 136, 7, 1).with(master(8)))).isFalse();
    assertThat(kind.recognises(device("/dev/pts/7 (deleted)", 136, 7, 0))).isTrue();
  }

  @Test
  void aMasterIsOurs() throws ObstructedException {
    assertThat(kind.recognises(master(7))).isTrue();
    assertThat(kind.checkpoint(master(7)).number()).isEqualTo(7);
  }

  @Test
  void aSlaveIsOpenedByItsNameOrAsItWasFromItsMaster() {
    var slave = new PtyFile.State(new ObjectId(9), 7, PtyFile.Side.SLAVE, PathBytes.of("/dev/pts/7"), 0100002);
    var peer = new PtyFile.State(new ObjectId(9), 7, PtyFile.Side.SLAVE, PathBytes.of("/dev/pts/7"), 2);

    assertThat(explain(slave)).contains("openat");
    assertThat(explain(peer)).contains("ioctl(%3009, 0x5441, 0x102)");
  }

  @Test
  void onlyTheControllingTerminalWaitsForItsSession() {
    assertThat(kind.isLate(sample())).isFalse();
    assertThat(kind.isLate(new PtyFile.State(new ObjectId(9), 7, PtyFile.Side.CONTROLLING,
        PathBytes.of("/dev/tty"), 2))).isTrue();
  }
}
