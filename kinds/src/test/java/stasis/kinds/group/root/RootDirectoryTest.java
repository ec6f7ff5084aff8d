package stasis.kinds.group.root;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeHost;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FileStat;
import stasis.resource.Kind;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;

class RootDirectoryTest extends AspectContract<RootDirectory.State> {
  private final RootDirectory kind = new RootDirectory();

  @Override
  protected Kind<RootDirectory.State> kind() {
    return kind;
  }

  @Override
  protected RootDirectory.State sample() {
    return new RootDirectory.State(PathBytes.of("/srv/jail"));
  }

  @Test
  void enginesOwnRootIsNoState() throws ObstructedException {
    FakeGroup group = new FakeGroup();
    group.leader().link("root", "/");

    assertThat(kind.checkpoint(group, noAnswers())).isEmpty();
  }

  @Test
  void jailIsEnteredByItsPath() throws ObstructedException {
    FakeGroup group = new FakeGroup();
    group.leader().link("root", "/srv/jail").facts("root", FakeHost.stat(FileStat.S_IFDIR, 3));

    assertThat(kind.checkpoint(group, noAnswers())).contains(sample());
  }

  @Test
  void jailNeedsItsDirectoryAndTheCapability() {
    FakeHost host = new FakeHost().file("/srv/jail", FileStat.S_IFDIR);

    assertThat(kind.obstacles(sample(), host)).singleElement().extracting(Obstacle::reason).asString()
        .contains("CAP_SYS_CHROOT");
    assertThat(kind.obstacles(sample(), host.capable("CAP_SYS_CHROOT"))).isEmpty();
    assertThat(kind.obstacles(sample(), new FakeHost().capable("CAP_SYS_CHROOT"))).isNotEmpty();
  }
}
