package stasis.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import stasis.image.PageRun;
import stasis.image.PageRuns;

final class RunSeekerTest {
  private static final PageRun FIRST = new PageRun(0x1000, 0x2000, 0);
  private static final PageRun SECOND = new PageRun(0x5000, 0x1000, 0x2000);

  private final RunSeeker seeker = new RunSeeker(PageRuns.of(List.of(FIRST, SECOND)));

  private List<PageRun> ask(long start, long end) {
    List<PageRun> found = new ArrayList<>();
    seeker.each(start, end, found::add);
    return found;
  }

  @Test
  void aRangeAskedTwiceHasTheSameRuns() {
    assertThat(ask(0x1000, 0x3000)).containsExactly(FIRST);
    assertThat(ask(0x1000, 0x3000)).containsExactly(FIRST);
    assertThat(ask(0x0, 0x6000)).containsExactly(FIRST, SECOND);
    assertThat(ask(0x0, 0x6000)).containsExactly(FIRST, SECOND);
  }

  @Test
  void aRunOverSeveralRangesIsFoundInEach() {
    assertThat(ask(0x1000, 0x2000)).containsExactly(FIRST);
    assertThat(ask(0x2000, 0x3000)).containsExactly(FIRST);
    assertThat(ask(0x3000, 0x6000)).containsExactly(SECOND);
  }
}
