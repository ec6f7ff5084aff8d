package stasis.kinds.group.mmflags;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.MemoryContract;
import stasis.kinds.group.mmflags.MmFlags.State;
import stasis.linux.abi.Errno;
import stasis.linux.abi.RemoteAddress;
import stasis.resource.Answer;
import stasis.resource.Answers;
import stasis.resource.Extent;
import stasis.resource.GroupAspect;
import stasis.resource.ObstructedException;
import stasis.resource.Question;
import stasis.resource.Script;

class MmFlagsTest extends MemoryContract<State> {
  private static final String LIMITS = """
      Limit                     Soft Limit           Hard Limit           Units
      Max locked memory         8388608              8388608              bytes
      """;
  private static final String SMAPS = """
      7f0000000000-7f0000004000 rw-p 00000000 00:00 0\s
      VmFlags: rd wr mr mw me lo lf ac mg\s
      7f0000010000-7f0000014000 rw-p 00000000 00:00 0\s
      VmFlags: rd wr mr mw me lo lf ac\s
      """;

  @Override
  protected GroupAspect<State> kind() {
    return new MmFlags();
  }

  @Override
  protected State sample() {
    return new State(3, true, List.of(new Extent(new RemoteAddress(0x7f0000010000L), 0x4000)), 6, true);
  }

  @Override
  protected void program(Script script) {
    kind().restore(sample(), script, REFS);
    kind().restore(new State(0, false, List.of(), 0, false), script, REFS);
  }

  /// An ordinary user's task with 32 KiB locked.
  private static FakeGroup group() {
    FakeGroup group = new FakeGroup();
    group.leader().status("VmLck", "32 kB").status("CapEff", "0000000000000000").file("limits", LIMITS)
        .file("smaps", SMAPS);
    return group;
  }

  private State checkpoint(FakeGroup group, long thp, long merge, long probe) throws ObstructedException {
    List<Question> questions = kind().questions(group);
    Map<Question, Answer> answers = new HashMap<>();
    long[] results = {thp, merge, probe};
    for (int i = 0; i < results.length; i++) {
      answers.put(questions.get(i), new Answer(results[i], Map.of()));
    }
    return kind().checkpoint(group, new Answers(answers)).orElseThrow();
  }

  @Test
  void aRefusalToLockSoMuchTellsThatMemoryToComeIsLocked() throws ObstructedException {
    assertThat(checkpoint(group(), 3, 1, -Errno.EAGAIN.number())).isEqualTo(sample());
    assertThat(kind().losses(sample())).hasSize(1);
  }

  @Test
  void anyOtherRefusalTellsThatItIsNot() throws ObstructedException {
    State state = checkpoint(group(), 0, 0, -Errno.EINVAL.number());
    assertThat(state).isEqualTo(new State(0, false, List.of(), 0, false));
    assertThat(kind().losses(state)).isEmpty();
  }

  @Test
  void ofATaskThatMayLockAllItIsGuessedFromWhatIsLocked() throws ObstructedException {
    FakeGroup group = group();
    group.leader().status("CapEff", "000001ffffffffff");
    State state = checkpoint(group, 0, -Errno.EINVAL.number(), -Errno.EINVAL.number());
    assertThat(state.mlockallFlags()).isEqualTo(6);
    assertThat(state.mlockallGuessed()).isTrue();
    group.leader().status("VmLck", "0 kB");
    assertThat(checkpoint(group, 0, 0, -Errno.EINVAL.number()).mlockallGuessed()).as("nothing is locked").isFalse();
  }

  @Test
  void taggedAddressesAreRefused() {
    FakeGroup group = group();
    group.leader().status("untag_mask", "0x81ffffffffffffff");
    assertThatThrownBy(() -> checkpoint(group, 0, 0, -Errno.EINVAL.number())).hasMessageContaining("tagged addresses");
  }
}
