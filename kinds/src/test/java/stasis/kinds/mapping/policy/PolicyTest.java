package stasis.kinds.mapping.policy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.FakeMapping;
import stasis.kinds.fake.MemoryContract;
import stasis.linux.abi.Bytes;
import stasis.resource.Answer;
import stasis.resource.Answers;
import stasis.resource.MappingAspect;
import stasis.resource.ObstructedException;
import stasis.resource.Question;
import stasis.resource.Script;

class PolicyTest extends MemoryContract<Policy.State> {
  private static final int BIND = 2;
  private static final Bytes NODE_0 = Bytes.zeros(128).withU64(0, 1);

  private static FakeMapping mapping(String policy) {
    return FakeMapping.of("7f0000000000-7f0000004000 rw-p 00000000 00:00 0 ", "rd wr mr mw me ac").policy(policy);
  }

  @Override
  protected MappingAspect<Policy.State> kind() {
    return new Policy();
  }

  @Override
  protected Policy.State sample() {
    return new Policy.State(BIND, NODE_0);
  }

  @Override
  protected void program(Script script) {
    attach(kind(), Optional.of(sample()), mapping("bind:0"), script);
    attach(kind(), Optional.empty(), mapping("default"), script);
  }

  private Answers answers(FakeMapping mapping, int mode, Bytes nodes) {
    Question question = kind().questions(mapping).getFirst();
    return new Answers(Map.of(question, new Answer(0, Map.of(0, Bytes.ofU32(mode), 1, nodes))));
  }

  @Test
  void memoryWithoutAPolicyIsNotAskedAbout() {
    assertThat(kind().questions(mapping("default"))).isEmpty();
  }

  @Test
  void aPolicyIsTheVmasOwnOnlyIfTheKernelSaysSo() throws ObstructedException {
    FakeMapping mapping = mapping("bind:0");
    assertThat(kind().checkpoint(mapping, answers(mapping, BIND, NODE_0))).contains(sample());
    assertThat(kind().checkpoint(mapping, answers(mapping, 0, Bytes.zeros(128)))).as("the task's").isEmpty();
  }

  @Test
  void aHomeNodeCannotBeRead() {
    assertThat(kind().losses(sample())).hasSize(1);
    assertThat(kind().losses(new Policy.State(3, NODE_0))).isEqualTo(List.of());
  }
}
