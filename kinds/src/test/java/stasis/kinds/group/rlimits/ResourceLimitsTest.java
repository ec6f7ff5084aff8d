package stasis.kinds.group.rlimits;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeHost;
import stasis.procfs.Limits;
import stasis.resource.Kind;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;

class ResourceLimitsTest extends AspectContract<ResourceLimits.State> {
  private final ResourceLimits kind = new ResourceLimits();

  @Override
  protected Kind<ResourceLimits.State> kind() {
    return kind;
  }

  @Override
  protected ResourceLimits.State sample() {
    return new ResourceLimits.State(List.of(
        new ResourceLimits.Limit(Limits.Resource.NOFILE, 1024, 4096),
        new ResourceLimits.Limit(Limits.Resource.CORE, 0, -1)));
  }

  /// As the kernel prints it, all alike but for open files.
  private static String limits(String openFiles) {
    return """
        Limit                     Soft Limit           Hard Limit           Units
        Max cpu time              unlimited            unlimited            seconds
        Max file size             unlimited            unlimited            bytes
        Max data size             unlimited            unlimited            bytes
        Max stack size            8388608              unlimited            bytes
        Max core file size        0                    unlimited            bytes
        Max resident set          unlimited            unlimited            bytes
        Max processes             96365                96365                processes
        Max open files            %s files
        Max locked memory         8388608              8388608              bytes
        Max address space         unlimited            unlimited            bytes
        Max file locks            unlimited            unlimited            locks
        Max pending signals       96365                96365                signals
        Max msgqueue size         819200               819200               bytes
        Max nice priority         0                    0
        Max realtime priority     0                    0
        Max realtime timeout      unlimited            unlimited            us
        """.formatted(openFiles);
  }

  @Test
  void allSixteenAreKept() throws ObstructedException {
    FakeGroup group = new FakeGroup().file("limits", limits("1024                 4096                "));

    ResourceLimits.State state = kind.checkpoint(group, noAnswers()).orElseThrow();

    assertThat(state.limits()).hasSize(16).contains(sample().limits().getFirst(), sample().limits().getLast());
  }

  @Test
  void hardLimitAboveTheRestorersIsRefusedWithBothNumbers() {
    FakeHost host = new FakeHost().inheriting("limits", limits("1024                 2048                "));

    assertThat(kind.obstacles(sample(), host)).singleElement().extracting(Obstacle::reason).asString()
        .contains("4096").contains("2048");
    assertThat(kind.obstacles(sample(), host.capable("CAP_SYS_RESOURCE"))).isEmpty();
  }

  @Test
  void hardLimitTheRestorerHasTooIsNoObstacle() {
    FakeHost host = new FakeHost().inheriting("limits", limits("1024                 4096                "));

    assertThat(kind.obstacles(sample(), host)).isEmpty();
  }
}
