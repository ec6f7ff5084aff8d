package stasis.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import stasis.engine.MissingPages.Piece;

final class MissingPagesTest {
  private static final long PAGE = 4096;

  private final MissingPages missing = new MissingPages();

  private static Piece piece(long page, long pages, long sectionPage) {
    return new Piece(page * PAGE, pages * PAGE, sectionPage * PAGE);
  }

  @Test
  void whatIsRemovedFromTheMiddleLeavesBothEndsWhereTheyWere() {
    missing.add(piece(10, 10, 100));
    missing.remove(13 * PAGE, 15 * PAGE);
    assertThat(missing.at(12 * PAGE)).contains(piece(10, 3, 100));
    assertThat(missing.at(13 * PAGE)).isEmpty();
    assertThat(missing.from(13 * PAGE)).contains(piece(15, 5, 105));
    assertThat(missing.bytes()).isEqualTo(8 * PAGE);
  }

  @Test
  void whatIsMovedKeepsItsContentsAndWhatWasThereIsGone() {
    missing.add(piece(10, 10, 100));
    missing.add(piece(40, 4, 200));
    missing.move(12 * PAGE, 41 * PAGE, 2 * PAGE);
    assertThat(missing.at(12 * PAGE)).isEmpty();
    assertThat(missing.at(40 * PAGE)).contains(piece(40, 1, 200));
    assertThat(missing.at(41 * PAGE)).contains(piece(41, 2, 102));
    assertThat(missing.at(43 * PAGE)).contains(piece(43, 1, 203));
  }

  @Test
  void aChildHasItsOwn() {
    missing.add(piece(1, 4, 7));
    MissingPages child = missing.copy();
    missing.remove(0, 100 * PAGE);
    assertThat(missing.isEmpty()).isTrue();
    assertThat(child.has(piece(2, 2, 8))).isTrue();
    assertThat(child.has(piece(2, 2, 9))).as("other pages").isFalse();
    assertThat(child.has(piece(4, 2, 10))).as("more than is there").isFalse();
  }

  @Test
  void whateverHappensEveryPageMeansWhatAPageByPageModelSays() {
    var random = new Random(7);
    Map<Long, Long> model = new HashMap<>();
    for (int step = 0; step < 3000; step++) {
      long page = random.nextInt(200);
      long pages = 1L + random.nextInt(20);
      switch (random.nextInt(4)) {
        case 0 -> {
          long section = random.nextInt(100_000);
          missing.add(piece(page, pages, section));
          for (long i = 0; i < pages; i++) {
            model.put(page + i, section + i);
          }
        }
        case 1, 2 -> {
          missing.remove(page * PAGE, (page + pages) * PAGE);
          for (long i = 0; i < pages; i++) {
            model.remove(page + i);
          }
        }
        default -> {
          long to = 300L + random.nextInt(200);
          missing.move(page * PAGE, to * PAGE, pages * PAGE);
          for (long i = 0; i < pages; i++) {
            Long section = model.remove(page + i);
            if (section == null) {
              model.remove(to + i);
            } else {
              model.put(to + i, section);
            }
          }
        }
      }
      assertThat(missing.bytes()).isEqualTo(model.size() * PAGE);
    }
    for (long page = 0; page < 600; page++) {
      long at = page * PAGE;
      assertThat(missing.at(at).map(piece -> (piece.sectionOffset() + at - piece.start()) / PAGE))
          .isEqualTo(java.util.Optional.ofNullable(model.get(page)));
    }
  }
}
