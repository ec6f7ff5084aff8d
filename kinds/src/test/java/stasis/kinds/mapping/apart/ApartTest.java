package stasis.kinds.mapping.apart;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.FakeMapping;
import stasis.kinds.fake.MemoryContract;
import stasis.resource.Answers;
import stasis.resource.MappingAspect;
import stasis.resource.ObstructedException;
import stasis.resource.Script;

class ApartTest extends MemoryContract<Apart.State> {
  private static final String FLAGS = "rd wr mr mw me ac";

  private static FakeMapping low(String flags) {
    return FakeMapping.of("7f0000000000-7f0000004000 rw-p 00000000 00:00 0 ", flags);
  }

  private static FakeMapping high(String flags) {
    return FakeMapping.of("7f0000004000-7f0000008000 rw-p 00000000 00:00 0 ", flags);
  }

  private static FakeMapping file(String range, String offset) {
    return FakeMapping.of(range + " rw-p " + offset + " 08:01 7   /x", FLAGS).facts(regular(7, 0x5000));
  }

  @Override
  protected MappingAspect<Apart.State> kind() {
    return new Apart();
  }

  @Override
  protected Apart.State sample() {
    return new Apart.State(true);
  }

  @Override
  protected void program(Script script) {
    attach(kind(), Optional.of(sample()), low(FLAGS), script);
    attach(kind(), Optional.of(sample()), high("rd wr mr mw me rr ac"), script);
    attach(kind(), Optional.of(new Apart.State(false)), high(FLAGS), script);
  }

  private List<Optional<Apart.State>> states(FakeMapping... mappings) throws ObstructedException {
    Optional<Apart.State> first = kind().checkpoint(FakeMapping.neighbours(mappings).getFirst(), new Answers(Map.of()));
    return List.of(first, kind().checkpoint(mappings[1], new Answers(Map.of())));
  }

  @Test
  void neighboursThatLookAlikeAreBothKeptApart() throws ObstructedException {
    assertThat(states(low(FLAGS), high(FLAGS))).containsOnly(Optional.of(sample()));
    assertThat(states(low(FLAGS), high(FLAGS + " gu"))).as("gu is not told apart").containsOnly(Optional.of(sample()));
  }

  @Test
  void whateverTellsThemApartIsEnough() throws ObstructedException {
    assertThat(states(low(FLAGS), high(FLAGS + " dd"))).containsOnly(Optional.empty());
    assertThat(states(low(FLAGS), high(FLAGS).policy("bind:0"))).containsOnly(Optional.empty());
    assertThat(states(low(FLAGS + " gd"), high(FLAGS + " gd"))).containsOnly(Optional.empty());
    assertThat(states(low(FLAGS), FakeMapping.of("7f0000005000-7f0000008000 rw-p 00000000 00:00 0 ", FLAGS)))
        .as("a hole between").containsOnly(Optional.empty());
    assertThat(states(low(FLAGS), FakeMapping.of("7f0000004000-7f0000008000 rw-p 00000000 00:00 0  [anon:x]", FLAGS)))
        .containsOnly(Optional.empty());
  }

  @Test
  void partsOfAFileMergeOnlyWhereOneGoesOnWithTheOther() throws ObstructedException {
    assertThat(states(file("7f0000000000-7f0000004000", "00000000"), file("7f0000004000-7f0000008000", "00004000")))
        .containsOnly(Optional.of(sample()));
    assertThat(states(file("7f0000000000-7f0000004000", "00000000"), file("7f0000004000-7f0000008000", "00000000")))
        .containsOnly(Optional.empty());
  }

  @Test
  void aPageBehindTheEndOfItsFileCannotBeTouched() throws ObstructedException {
    var states = states(file("7f0000000000-7f0000004000", "00004000"), file("7f0000004000-7f0000008000", "00008000"));
    assertThat(states).containsExactly(Optional.of(sample()), Optional.of(new Apart.State(false)));
    assertThat(kind().losses(new Apart.State(false))).hasSize(1);
  }
}
