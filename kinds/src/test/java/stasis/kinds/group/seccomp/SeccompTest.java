package stasis.kinds.group.seccomp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeHost;
import stasis.kinds.fake.FakeTask;
import stasis.linux.abi.Bytes;
import stasis.resource.Kind;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.SeccompFilter;

class SeccompTest extends AspectContract<Seccomp.State> {
  private final Seccomp kind = new Seccomp();

  @Override
  protected Kind<Seccomp.State> kind() {
    return kind;
  }

  @Override
  protected Seccomp.State sample() {
    return new Seccomp.State(List.of(new Seccomp.Filter(ALLOW, true)),
        List.of(new Seccomp.ThreadState(new ObjectId(2), false, List.of(new Seccomp.Filter(DENY, false))),
            new Seccomp.ThreadState(new ObjectId(3), true, List.of())));
  }

  private static final Bytes ALLOW = Bytes.hex("060000000000ff7f");
  private static final Bytes DENY = Bytes.hex("0600000001000500");
  private static final Bytes ASK_USER = Bytes.hex("200000000000000006000000" + "0000c07f");

  private static FakeTask filtered(FakeTask task, Bytes... programs) {
    task.status("Seccomp", "2");
    for (Bytes program : programs) {
      task.filter(new SeccompFilter(program, false));
    }
    return task;
  }

  @Test
  void groupWithoutSeccompHasNoState() throws ObstructedException {
    FakeGroup group = new FakeGroup();
    group.leader().status("Seccomp", "0");

    assertThat(kind.checkpoint(group, noAnswers())).isEmpty();
  }

  @Test
  void filtersThatAllThreadsHaveAreInstalledOnceForAll() throws ObstructedException {
    FakeGroup group = new FakeGroup();
    filtered(group.leader(), ALLOW);
    filtered(group.thread(), ALLOW, DENY);

    Seccomp.State state = kind.checkpoint(group, noAnswers()).orElseThrow();

    assertThat(state).isEqualTo(new Seccomp.State(List.of(new Seccomp.Filter(ALLOW, false)), List.of(
        new Seccomp.ThreadState(new ObjectId(2), false, List.of(new Seccomp.Filter(DENY, false))))));
    assertThat(explain(state)).contains("[#1] seccomp(1, 5,").contains("[#2] seccomp(1, 4,");
  }

  @Test
  void threadWithoutFiltersLeavesNothingInCommon() throws ObstructedException {
    FakeGroup group = new FakeGroup();
    group.leader().status("Seccomp", "0");
    filtered(group.thread(), ALLOW);

    assertThat(kind.checkpoint(group, noAnswers()).orElseThrow().common()).isEmpty();
  }

  @Test
  void strictModeIsKept() throws ObstructedException {
    FakeGroup group = new FakeGroup();
    group.leader().status("Seccomp", "1");

    Seccomp.State state = kind.checkpoint(group, noAnswers()).orElseThrow();

    assertThat(explain(state)).contains("seccomp(0, 0, 0)");
  }

  @Test
  void filterThatAsksAListenerIsRefused() {
    FakeGroup group = new FakeGroup();
    filtered(group.leader(), ASK_USER);

    assertThatThrownBy(() -> kind.checkpoint(group, noAnswers())).isInstanceOf(ObstructedException.class)
        .hasMessageContaining("SECCOMP_RET_USER_NOTIF");
  }

  @Test
  void filtersNeedACapabilityToBeSuspended() {
    assertThat(kind.obstacles(sample(), new FakeHost())).singleElement().extracting(Obstacle::reason).asString()
        .contains("CAP_SYS_ADMIN");
    assertThat(kind.obstacles(sample(), new FakeHost().capable("CAP_SYS_ADMIN"))).isEmpty();
  }
}
