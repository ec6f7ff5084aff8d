package stasis.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class IntervalsTest {
  private static Intervals of(BitSet bits) {
    var intervals = new Intervals();
    for (int at = bits.nextSetBit(0); at >= 0; at = bits.nextSetBit(bits.nextClearBit(at))) {
      intervals.add(at, bits.nextClearBit(at));
    }
    return intervals;
  }

  private static BitSet bits(Intervals intervals) {
    var bits = new BitSet();
    for (PageScan.Run run : intervals.runs()) {
      bits.set((int) run.start().bits(), (int) (run.start().bits() + run.lengthBytes()));
    }
    return bits;
  }

  @Test
  void whatBothHaveAndWhatOnlyOneHasAreAsSetsHaveIt() {
    for (int seed = 0; seed < 500; seed++) {
      var random = new Random(seed);
      BitSet a = BitSet.valueOf(random.longs(2).toArray());
      BitSet b = BitSet.valueOf(random.longs(2).toArray());
      BitSet both = (BitSet) a.clone();
      both.and(b);
      BitSet rest = (BitSet) a.clone();
      rest.andNot(b);

      assertThat(bits(of(a).and(of(b)))).isEqualTo(both);
      assertThat(bits(of(a).minus(of(b)))).isEqualTo(rest);
    }
  }

  @Test
  void stretchesThatTouchAreOne() {
    var intervals = new Intervals();
    intervals.add(0, 2);
    intervals.add(2, 3);
    intervals.add(5, 6);

    assertThat(intervals.runs().stream().map(PageScan.Run::lengthBytes).toList()).isEqualTo(List.of(3L, 1L));
    assertThatThrownBy(() -> intervals.add(4, 7)).isInstanceOf(IllegalArgumentException.class);
  }
}
