package stasis.kinds.task.coresched;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeTask;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.resource.Arg;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class CoreCookieOffTest extends AspectContract<CoreCookieOff.State> {
  private final CoreCookieOff kind = new CoreCookieOff();

  @Override
  protected Kind<CoreCookieOff.State> kind() {
    return kind;
  }

  @Override
  protected CoreCookieOff.State sample() {
    return new CoreCookieOff.State(false);
  }

  @Override
  protected boolean isStored() {
    return false;
  }

  private static FakeTask withCookie(long cookie) {
    return new FakeGroup().leader().observing(output(4, Bytes.ofU64(cookie)), Nr.PRCTL, Arg.imm(62), Arg.imm(0),
        Arg.imm(4711), Arg.imm(0), Arg.space(8));
  }

  @Test
  void taskWithACookieIsRefused() {
    assertThatThrownBy(() -> kind.checkpoint(withCookie(0xabcd), noAnswers()))
        .isInstanceOf(ObstructedException.class).hasMessageContaining("PR_SCHED_CORE");
  }

  @Test
  void taskWithoutACookieOrAKernelWithoutThemIsFine() throws ObstructedException {
    assertThat(kind.checkpoint(withCookie(0), noAnswers())).isEmpty();
    assertThat(kind.checkpoint(new FakeGroup().leader(), noAnswers())).isEmpty();
  }
}
