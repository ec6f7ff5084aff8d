package stasis.kinds.file.regular;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeHost;
import stasis.kinds.fake.FakeOpenFile;
import stasis.kinds.file.FileLock;
import stasis.linux.abi.Fd;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FileStat;
import stasis.resource.FileKind;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class RegularFileTest extends AspectContract<RegularFile.State> {
  private final RegularFile kind = new RegularFile();

  @Override
  protected Kind<RegularFile.State> kind() {
    return kind;
  }

  @Override
  protected RegularFile.State sample() {
    return new RegularFile.State(PathBytes.of("/srv/log"), 0102001, 512, 4096, 77, false,
        List.of(new FileLock(FileLock.Sort.FLOCK, true, 0, 0, Optional.empty()),
            new FileLock(FileLock.Sort.POSIX, true, 10, 5, Optional.of(new ObjectId(1)))), false);
  }

  @Test
  void flagsThatActOnceAreLeftOut() throws ObstructedException {
    FakeOpenFile file = new FakeOpenFile("/srv/log", FileStat.S_IFREG | 0644, 1, "02103302").reachable();

    assertThat(kind.recognises(file)).isTrue();
    assertThat(kind.checkpoint(file).flags()).isEqualTo(0102002);
  }

  @Test
  void locksOfItsDescriptionAreSeen() throws ObstructedException {
    FakeOpenFile file = new FakeOpenFile("/srv/log", FileStat.S_IFREG | 0644, 1, "0100002",
        "lock:\t1: FLOCK  ADVISORY  WRITE 4711 00:00:7 0 EOF",
        "lock:\t2: OFDLCK ADVISORY  READ -1 00:00:7 5 9").reachable();

    assertThat(kind.checkpoint(file).locks()).containsExactly(
        new FileLock(FileLock.Sort.FLOCK, true, 0, 0, Optional.empty()),
        new FileLock(FileLock.Sort.OFD, false, 5, 5, Optional.empty()));
  }

  @Test
  void pathThatLeadsToAnotherFileIsRefused() {
    FakeOpenFile file = new FakeOpenFile("/srv/log", FileStat.S_IFREG | 0644, 1, "0100000");

    assertThatThrownBy(() -> kind.checkpoint(file)).isInstanceOf(ObstructedException.class)
        .hasMessageContaining("fd 3 /srv/log");
  }

  @Test
  void leaseIsNoLockOfTheFile() throws ObstructedException {
    FakeOpenFile file = new FakeOpenFile("/srv/log", FileStat.S_IFREG | 0644, 1, "0100000",
        "lock:\t1: LEASE  ACTIVE    READ 4711 00:00:7 0 EOF").reachable();

    assertThat(kind.checkpoint(file).locks()).isEmpty();
  }

  @Test
  void fileThatTellsOfANumberNeedsItOpen() {
    var state = new RegularFile.State(PathBytes.of("/proc/4711/fdinfo/40"), 0, 0, 0, 0, true, List.of(), false);
    var ofAThread = new RegularFile.State(PathBytes.of("/proc/7/task/8/fdinfo/3"), 0, 0, 0, 0, true, List.of(), false);

    assertThat(kind.needsNumber(state)).contains(new FileKind.Number(4711, new Fd(40)));
    assertThat(kind.needsNumber(ofAThread)).contains(new FileKind.Number(7, new Fd(3)));
    assertThat(kind.needsNumber(sample())).isEmpty();
  }

  @Test
  void deletedFileIsNotOne() {
    assertThat(kind.recognises(new FakeOpenFile("/srv/log (deleted)", FileStat.S_IFREG, 0, "02"))).isFalse();
    assertThat(kind.recognises(new FakeOpenFile("/srv/log (deleted)", FileStat.S_IFREG, 1, "02"))).isFalse();
    assertThat(kind.recognises(new FakeOpenFile("/srv/x (deleted)", FileStat.S_IFREG, 1, "02").reachable())).isTrue();
  }

  @Test
  void readOnlyFileMustHaveItsTimeAndEveryFileItsSize() {
    FakeHost host = new FakeHost().file("/srv/log", FileStat.S_IFREG);

    assertThat(kind.obstacles(state(0, 0, 0), host)).isEmpty();
    assertThat(kind.obstacles(state(0, 0, 1), host)).isNotEmpty();
    assertThat(kind.obstacles(state(1, 0, 1), host)).isEmpty();
    assertThat(kind.obstacles(state(1, 3, 0), host)).isNotEmpty();
    assertThat(kind.obstacles(state(0, 0, 0), new FakeHost())).isNotEmpty();
  }

  private static RegularFile.State state(int flags, long sizeBytes, long modifiedNs) {
    return new RegularFile.State(PathBytes.of("/srv/log"), flags, 0, sizeBytes, modifiedNs, false, List.of(), false);
  }
}
