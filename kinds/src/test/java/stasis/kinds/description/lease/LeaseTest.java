package stasis.kinds.description.lease;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeOpenFile;
import stasis.procfs.FileStat;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class LeaseTest extends AspectContract<Lease.State> {
  private final Lease kind = new Lease();

  @Override
  protected Kind<Lease.State> kind() {
    return kind;
  }

  @Override
  protected Lease.State sample() {
    return new Lease.State(true, Optional.of(Lease.Target.READ));
  }

  private static FakeOpenFile file(String... locks) {
    return new FakeOpenFile("/srv/log", FileStat.S_IFREG | 0644, 1, "02", locks);
  }

  @Test
  void leaseIsTheLineOfThatName() throws ObstructedException {
    assertThat(kind.checkpoint(file("lock:\t1: LEASE  ACTIVE    READ 4711 00:00:7 0 EOF")))
        .contains(new Lease.State(false, Optional.empty()));
    assertThat(kind.checkpoint(file("lock:\t1: FLOCK  ADVISORY  WRITE 4711 00:00:7 0 EOF"))).isEmpty();
  }

  @Test
  void whatALeaseWasFollowsFromWhatItIsToBecome() throws ObstructedException {
    assertThat(kind.checkpoint(file("lock:\t1: LEASE  BREAKING  READ 4711 00:00:7 0 EOF"))).contains(sample());
    assertThat(kind.checkpoint(file("lock:\t1: LEASE  BREAKING  UNLCK 4711 00:00:7 0 EOF")))
        .contains(new Lease.State(true, Optional.of(Lease.Target.NONE)));
    assertThat(kind.losses(sample())).hasSize(1);
  }
}
