package stasis.kinds.mapping.advice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import stasis.kinds.fake.FakeMapping;
import stasis.kinds.fake.MemoryContract;
import stasis.resource.Answers;
import stasis.resource.MappingAspect;
import stasis.resource.ObstructedException;
import stasis.resource.Script;

class AdviceTest extends MemoryContract<Advice.State> {
  private static final String LINE = "7f0000000000-7f0000004000 rw-p 00000000 00:00 0 ";

  @Override
  protected MappingAspect<Advice.State> kind() {
    return new Advice();
  }

  @Override
  protected Advice.State sample() {
    return new Advice.State();
  }

  @Override
  protected void program(Script script) {
    attach(kind(), Optional.empty(), FakeMapping.of(LINE, "rd wr mr mw me sr dc ac wf dd hg mg"), script);
    attach(kind(), Optional.empty(), FakeMapping.of(LINE, "rd wr mr mw me rr ac nh"), script);
    attach(kind(), Optional.empty(), FakeMapping.of(LINE, "rd wr mr mw me nr wf dd dp"), script);
  }

  @Test
  void theKernelsOwnMappingsGetNoAdvice() throws ObstructedException {
    FakeMapping vvar = FakeMapping.of("7f0000000000-7f0000004000 r--p 00000000 00:00 0  [vvar]", "rd mr pf io de dd");
    assertThat(explain(script -> attach(kind(), Optional.empty(), vvar, script))).isEmpty();
    assertThat(kind().checkpoint(vvar, new Answers(Map.of()))).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"ss, shadow stack", "sf, MAP_SYNC",
      "zz, do not know", "mm, device driver"})
  void flagsThatNothingReplaysAreRefused(String flag, String reason) {
    FakeMapping mapping = FakeMapping.of(LINE, "rd wr mr mw me " + flag);
    assertThatThrownBy(() -> kind().checkpoint(mapping, new Answers(Map.of())))
        .isInstanceOf(ObstructedException.class).hasMessageContaining(reason);
  }

  @Test
  void thatWritesAreNotedFromOutsideIsNothingOfTheProgram() throws ObstructedException {
    FakeMapping mapping = FakeMapping.of(LINE, "rd wr mr mw me uw");
    assertThat(kind().checkpoint(mapping, new Answers(Map.of()))).isEmpty();
  }

  @Test
  void aProtectionKeyIsRefused() {
    FakeMapping mapping = FakeMapping.of(LINE, "rd wr mr mw me").protectionKey(3);
    assertThatThrownBy(() -> kind().checkpoint(mapping, new Answers(Map.of()))).hasMessageContaining("key 3");
  }
}
