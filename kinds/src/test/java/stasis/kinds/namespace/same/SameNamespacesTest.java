package stasis.kinds.namespace.same;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeTask;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class SameNamespacesTest extends AspectContract<SameNamespaces.State> {
  private final SameNamespaces kind = new SameNamespaces();

  @Override
  protected Kind<SameNamespaces.State> kind() {
    return kind;
  }

  @Override
  protected SameNamespaces.State sample() {
    return new SameNamespaces.State(true);
  }

  @Override
  protected boolean isStored() {
    return false;
  }

  private static final List<String> KINDS = List.of("cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time",
      "time_for_children", "user", "uts");

  private static FakeGroup atHome() {
    FakeGroup group = new FakeGroup();
    group.thread();
    for (String name : KINDS) {
      group.leader().link("ns/" + name, name.replace("time_for_children", "time") + ":[4026531840]");
      ((FakeTask) group.tasks().getLast()).link("ns/" + name, name + ":[4026531840]");
    }
    return group;
  }

  @Test
  void groupInTheEnginesNamespacesIsFine() throws ObstructedException {
    assertThat(kind.checkpoint(atHome(), noAnswers())).isEmpty();
  }

  @Test
  void anotherNamespaceIsRefusedByKindAndInode() {
    FakeGroup group = atHome();
    group.leader().link("ns/uts", "uts:[4026532999]");

    assertThatThrownBy(() -> kind.checkpoint(group, noAnswers())).isInstanceOf(ObstructedException.class)
        .hasMessageContaining("another uts namespace").hasMessageContaining("4026532999");
  }

  @Test
  void anotherTimeNamespaceIsCarriedUnlessItIsThatOfChildrenAlone() throws ObstructedException {
    FakeGroup group = atHome();
    group.leader().link("ns/time_for_children", "time:[4026532999]");

    assertThatThrownBy(() -> kind.checkpoint(group, noAnswers())).isInstanceOf(ObstructedException.class)
        .hasMessageContaining("time_for_children");
    group.leader().link("ns/time", "time:[4026532999]");
    assertThat(kind.checkpoint(group, noAnswers())).isEmpty();
  }

  @Test
  void threadThatWentElsewhereAloneIsRefused() {
    FakeGroup group = atHome();
    ((FakeTask) group.tasks().getLast()).link("ns/net", "net:[4026532999]");

    assertThatThrownBy(() -> kind.checkpoint(group, noAnswers())).isInstanceOf(ObstructedException.class)
        .hasMessageContaining("task 4712");
  }
}
