package stasis.kinds.group.mdwe;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.MemoryContract;
import stasis.linux.abi.Errno;
import stasis.resource.Answer;
import stasis.resource.Answers;
import stasis.resource.GroupAspect;
import stasis.resource.ObstructedException;
import stasis.resource.Script;
import stasis.resource.Stage;

class MdweTest extends MemoryContract<Mdwe.State> {
  @Override
  protected GroupAspect<Mdwe.State> kind() {
    return new Mdwe();
  }

  @Override
  protected Mdwe.State sample() {
    return new Mdwe.State(3);
  }

  @Override
  protected void program(Script script) {
    kind().restore(sample(), script, REFS);
  }

  private Answers answers(long result) {
    return new Answers(Map.of(kind().questions(new FakeGroup()).getFirst(), new Answer(result, Map.of())));
  }

  @Test
  void aMmWithoutItAndAKernelWithoutItHaveNothingToCarry() throws ObstructedException {
    assertThat(kind().checkpoint(new FakeGroup(), answers(3))).contains(sample());
    assertThat(kind().checkpoint(new FakeGroup(), answers(0))).isEmpty();
    assertThat(kind().checkpoint(new FakeGroup(), answers(-Errno.EINVAL.number()))).isEmpty();
  }

  @Test
  void itComesWhenNoMemoryIsLeftToChange() {
    assertThat(kind().stage()).isEqualTo(Stage.LAST);
  }
}
