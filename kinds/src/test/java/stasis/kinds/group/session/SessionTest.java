package stasis.kinds.group.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeHost;
import stasis.resource.Kind;
import stasis.resource.Loss;

class SessionTest extends AspectContract<Session.State> {
  private final Session kind = new Session();

  @Override
  protected Kind<Session.State> kind() {
    return kind;
  }

  @Override
  protected Session.State sample() {
    return new Session.State(4711, 4711, 4711, false, false, Optional.of("136:0"));
  }

  private static FakeGroup in(int processGroup, int session) {
    FakeGroup group = new FakeGroup();
    group.leader().stat(5, processGroup).stat(6, session);
    return group;
  }

  private static String restorer(int processGroup, int session) {
    return "99 (stasis) S 1 " + processGroup + " " + session + " 0 -1" + " 0".repeat(44) + "\n";
  }

  @Test
  void whatIsInsideIsThePlanners() {
    assertThat(explain(sample())).isEmpty();
    assertThat(kind.losses(sample())).isEmpty();
  }

  @Test
  void ownProcessGroupInTheSessionOfAnotherIsTold() {
    Session.State state = kind.checkpoint(in(4711, 50), noAnswers()).orElseThrow();

    assertThat(state).isEqualTo(new Session.State(4711, 4711, 50, false, true, Optional.empty()));
    assertThat(kind.losses(state)).hasSize(1);
  }

  @Test
  void sessionOfAnotherIsLostUnlessTheRestorerIsInIt() {
    Session.State state = kind.checkpoint(in(60, 50), noAnswers()).orElseThrow();

    assertThat(explain(state)).isEmpty();
    assertThat(kind.losses(state)).hasSize(2);
    assertThat(kind.losses(state, new FakeHost().inheriting("stat", restorer(61, 50)))).singleElement()
        .extracting(Loss::detail).asString().contains("process group 60");
    assertThat(kind.losses(state, new FakeHost().inheriting("stat", restorer(60, 50)))).isEmpty();
  }
}
