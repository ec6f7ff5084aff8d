package stasis.kinds.group.cgroup;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeHost;
import stasis.resource.Kind;
import stasis.resource.Loss;
import stasis.resource.ObstructedException;

class CgroupMembershipTest extends AspectContract<CgroupMembership.State> {
  private final CgroupMembership kind = new CgroupMembership();

  @Override
  protected Kind<CgroupMembership.State> kind() {
    return kind;
  }

  @Override
  protected CgroupMembership.State sample() {
    return new CgroupMembership.State("4:memory:/a\n0::/b\n");
  }

  @Test
  void onlyWhatDiffersFromTheRestorersIsLost() {
    FakeHost host = new FakeHost().inheriting("cgroup", "4:memory:/other\n0::/b\n");

    assertThat(kind.losses(sample(), host)).singleElement().extracting(Loss::detail).asString()
        .contains("4:memory:/a");
    assertThat(kind.losses(sample())).hasSize(2);
  }

  @Test
  void membershipIsTheTextOfTheFile() throws ObstructedException {
    assertThat(kind.checkpoint(new FakeGroup().file("cgroup", "4:memory:/a\n0::/b\n"), noAnswers()))
        .contains(sample());
  }
}
