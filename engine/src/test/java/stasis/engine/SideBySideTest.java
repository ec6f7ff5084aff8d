package stasis.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import stasis.resource.ObstructedException;

final class SideBySideTest {
  @Test
  void allAreMadeOnceAndStandInOrder() throws ObstructedException {
    for (int count : new int[] {0, 1, 31, 32, 33, 255, 256, 10_000}) {
      Set<Integer> made = ConcurrentHashMap.newKeySet();
      List<Integer> all = SideBySide.made(count, i -> {
        assertThat(made.add(i)).isTrue();
        return i;
      });
      assertThat(all).isEqualTo(IntStream.range(0, count).boxed().toList());
    }
  }

  @Test
  void theFirstThatCannotBeMadeIsTold() {
    assertThatThrownBy(() -> SideBySide.made(5000, i -> {
      if (i > 2000) {
        throw new ObstructedException("task " + i, "it is gone", "");
      }
      return i;
    })).isInstanceOf(ObstructedException.class).hasMessageContaining("task 2001");
  }

  @Test
  void whatBreaksOnAnotherThreadIsNotLost() {
    assertThatThrownBy(() -> SideBySide.made(5000, i -> {
      if (i == 4999) {
        throw new IllegalStateException("broken at " + i);
      }
      return i;
    })).isInstanceOf(IllegalStateException.class).hasMessage("broken at 4999");
  }
}
