package stasis.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import stasis.image.PageRun;
import stasis.image.PageRuns;
import stasis.linux.abi.Bytes;
import stasis.repository.EarlierPages;
import stasis.repository.ImageContent.Kept;
import stasis.repository.ImageException;

class UnwrittenTest {
  private static final long PAGE = 4096;
  private static final long WINDOW = 16 * PAGE;
  /// Somewhere in a window.
  private static final long BASE = 0x7f00_0000_0000L;

  private final List<Long> asked = new ArrayList<>();

  /// Has everything.
  private final EarlierPages all = new EarlierPages() {
    @Override
    public Bytes metadata() {
      return Bytes.EMPTY;
    }

    @Override
    public long pageBytes() {
      return Long.MAX_VALUE;
    }

    @Override
    public boolean holds(long sectionOffset, long lengthBytes) {
      return asked.add(sectionOffset);
    }
  };

  private static PageRun run(long firstPage, long pages, long section) {
    return new PageRun(BASE + firstPage * PAGE, pages * PAGE, section * PAGE);
  }

  private static Intervals pages(long... fromTo) {
    var intervals = new Intervals();
    for (int i = 0; i < fromTo.length; i += 2) {
      intervals.add(BASE + fromTo[i] * PAGE, BASE + fromTo[i + 1] * PAGE);
    }
    return intervals;
  }

  private List<Kept> kept(Intervals unwritten, List<PageRun> before, PageRun... now) throws ImageException {
    return new Unwritten(unwritten, PageRuns.of(before)).of(List.of(now), all);
  }

  @Test
  void windowsNobodyWroteAreKeptTogether() throws ImageException {
    assertThat(kept(pages(0, 64), List.of(run(0, 64, 100)), run(0, 64, 0)))
        .containsExactly(new Kept(0, 4 * WINDOW, 100 * PAGE));
    assertThat(asked).hasSize(4);
  }

  @Test
  void aWrittenPageHasItsWindowRead() throws ImageException {
    assertThat(kept(pages(0, 17, 18, 64), List.of(run(0, 64, 0)), run(0, 64, 0)))
        .containsExactly(new Kept(0, WINDOW, 0), new Kept(2 * WINDOW, 2 * WINDOW, 2 * WINDOW));
  }

  @Test
  void aWindowWithOtherPagesThanBeforeIsRead() throws ImageException {
    assertThat(kept(pages(0, 64), List.of(run(0, 20, 0)), run(0, 21, 0))).containsExactly(new Kept(0, WINDOW, 0));
    assertThat(kept(pages(0, 64), List.of(run(0, 20, 0)), run(0, 19, 0))).containsExactly(new Kept(0, WINDOW, 0));
    assertThat(kept(pages(0, 64), List.of(run(1, 3, 0)), run(2, 3, 0))).isEmpty();
  }

  @Test
  void holesInAWindowAreNoHindranceWhereTheyAreTheSame() throws ImageException {
    assertThat(kept(pages(0, 64), List.of(run(1, 2, 7), run(5, 1, 9), run(18, 1, 10)), run(1, 2, 0), run(5, 1, 2),
        run(18, 1, 3))).containsExactly(new Kept(0, 4 * PAGE, 7 * PAGE));
  }

  @Test
  void whatDoesNotLieTogetherInEitherImageIsRead() throws ImageException {
    assertThat(kept(pages(0, 64), List.of(run(1, 2, 7), run(5, 1, 20)), run(1, 2, 0), run(5, 1, 2))).isEmpty();
  }

  @Test
  void nothingIsKeptThatIsNotThere() throws ImageException {
    var none = new EarlierPages() {
      @Override
      public Bytes metadata() {
        return Bytes.EMPTY;
      }

      @Override
      public long pageBytes() {
        return 0;
      }

      @Override
      public boolean holds(long sectionOffset, long lengthBytes) {
        return false;
      }
    };
    assertThat(new Unwritten(pages(0, 64), PageRuns.of(List.of(run(0, 64, 0)))).of(List.of(run(0, 64, 0)), none))
        .isEmpty();
  }
}
