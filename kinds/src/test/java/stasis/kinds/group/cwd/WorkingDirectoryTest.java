package stasis.kinds.group.cwd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeHost;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FileStat;
import stasis.resource.Arg;
import stasis.resource.Kind;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;

class WorkingDirectoryTest extends AspectContract<WorkingDirectory.State> {
  private final WorkingDirectory kind = new WorkingDirectory();

  @Override
  protected Kind<WorkingDirectory.State> kind() {
    return kind;
  }

  @Override
  protected WorkingDirectory.State sample() {
    return new WorkingDirectory.State(PathBytes.of("/tmp/gone"),
        Optional.of(new WorkingDirectory.Deleted(0755, 1000, 100, Optional.empty())));
  }

  @Test
  void ordinaryDirectoryIsEnteredByItsPath() throws ObstructedException {
    FakeGroup group = new FakeGroup();
    group.leader().link("cwd", "/srv/x (deleted)").facts("cwd", FakeHost.stat(FileStat.S_IFDIR | 0755, 2));

    WorkingDirectory.State state = kind.checkpoint(group, noAnswers()).orElseThrow();

    assertThat(state).isEqualTo(new WorkingDirectory.State(PathBytes.of("/srv/x (deleted)"), Optional.empty()));
    assertThat(explain(state)).hasLineCount(1);
  }

  @Test
  void deletedDirectoryIsKnownByItsLinkCount() throws ObstructedException {
    FakeGroup group = new FakeGroup();
    Bytes statx = Bytes.zeros(256).withU32(20, 1000).withU32(24, 100).withU32(28, FileStat.S_IFDIR | 0755);
    group.leader().link("cwd", "/tmp/gone (deleted)").facts("cwd", FakeHost.stat(FileStat.S_IFDIR | 0755, 0))
        .observing(output(4, statx), Nr.STATX, Arg.imm(-100), Arg.string("/proc/4711/cwd"), Arg.imm(0),
            Arg.imm(0x7ff), Arg.space(256));

    assertThat(kind.checkpoint(group, noAnswers())).contains(sample());
  }

  @Test
  void theDirectoryOfATaskThatIsGoneIsThatOfAnother() throws ObstructedException {
    FakeGroup group = new FakeGroup();
    group.leader().link("cwd", "/proc/812/net (deleted)").facts("cwd", FakeHost.stat(FileStat.S_IFDIR | 0555, 9));

    WorkingDirectory.State state = kind.checkpoint(group, noAnswers()).orElseThrow();

    assertThat(state.ofEnded()).contains(new WorkingDirectory.Ended(PathBytes.of("/net"), Optional.of(812)));
    assertThat(kind.obstacles(state, new FakeHost())).isEmpty();
    assertThat(kind.losses(state, new FakeHost())).isEmpty();
    assertThat(kind.losses(state, new FakeHost().file("/proc/812", FileStat.S_IFDIR))).singleElement().asString()
        .contains("/proc/812");
    assertThat(explain(state)).contains("end", "chdir");
  }

  @Test
  void directoryThatIsNotThereIsRefused() {
    WorkingDirectory.State state = new WorkingDirectory.State(PathBytes.of("/srv/x"), Optional.empty());

    assertThat(kind.obstacles(state, new FakeHost())).singleElement().extracting(Obstacle::subject).asString()
        .contains("/srv/x");
    assertThat(kind.obstacles(state, new FakeHost().file("/srv/x", FileStat.S_IFREG))).isNotEmpty();
    assertThat(kind.obstacles(state, new FakeHost().file("/srv/x", FileStat.S_IFDIR))).isEmpty();
  }

  @Test
  void deletedDirectoryThatMayBeOthersTooIsTold() {
    assertThat(kind.losses(sample())).singleElement().asString().contains("/tmp/gone");
    assertThat(kind.losses(new WorkingDirectory.State(PathBytes.of("/srv/x"), Optional.empty()))).isEmpty();
  }

  @Test
  void deletedDirectoryWantsItsPathFree() {
    assertThat(kind.obstacles(sample(), new FakeHost())).isEmpty();
    assertThat(kind.obstacles(sample(), new FakeHost().file("/tmp/gone", FileStat.S_IFDIR))).isNotEmpty();
  }

  @Test
  void directoryOutOfReachIsRefused() {
    FakeGroup group = new FakeGroup();
    group.leader().link("cwd", "(unreachable)/x").facts("cwd", FakeHost.stat(FileStat.S_IFDIR, 2));

    assertThatThrownBy(() -> kind.checkpoint(group, noAnswers())).isInstanceOf(ObstructedException.class)
        .hasMessageContaining("(unreachable)/x");
  }
}
