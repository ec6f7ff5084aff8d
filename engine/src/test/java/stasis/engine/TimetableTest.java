package stasis.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import stasis.linux.abi.Tid;
import stasis.resource.ObstructedException;

/// When to copy ahead once more, when to freeze, and when to give up; by a clock of its own.
final class TimetableTest {
  private static final long MIB = 1 << 20;
  private static final long S = 1_000_000_000L;

  private final AtomicLong now = new AtomicLong(1000 * S);

  private Timetable within(long seconds, boolean goOn) {
    return new Timetable(new DeadlineOrder(seconds * S, S / 2, goOn), new Tid(7), now::get,
        now.get() + S / 2);
  }

  /// Copies at so many MiB a second. @return how many MiB before it was stopped
  private long copy(Timetable table, long mebibytes, long rate) throws ObstructedException {
    table.begin();
    for (long done = 1; done <= mebibytes; done++) {
      now.addAndGet(S / rate);
      try {
        table.progress(done * MIB, mebibytes * MIB);
      } catch (ObstructedException e) {
        throw new ObstructedException(done + " MiB", String.valueOf(e.getMessage()), "");
      }
    }
    table.copied(mebibytes * MIB);
    return mebibytes;
  }

  @Test
  void withTimeEnoughItIsCopiedUntilLittleIsLeft() throws ObstructedException {
    Timetable table = within(25, false);

    assertThat(table.asked(1000 * MIB, 10 * MIB, S / 100)).isEqualTo(Timetable.Next.COPY);
    copy(table, 1000, 500);
    assertThat(table.asked(100 * MIB, 10 * MIB, S / 100)).isEqualTo(Timetable.Next.COPY);
    copy(table, 100, 500);
    assertThat(table.asked(3 * MIB, 10 * MIB, S / 100)).isEqualTo(Timetable.Next.FREEZE);
    table.lastly(13 * MIB);
    copy(table, 13, 500);

    assertThat(table.report().leftNs()).isBetween(22 * S, 23 * S);
    assertThat(table.told()).isEmpty();
  }

  @Test
  void aPlaceThatIsTooSlowIsToldOnceItsSpeedIsKnownAndNotAtTheEnd() throws ObstructedException {
    Timetable table = within(25, false);
    table.asked(4000 * MIB, 0, S / 100);

    // 20 MiB a second: 500 MiB by then.
    assertThatThrownBy(() -> copy(table, 4000, 20)).hasMessageContaining("within 25.0 s")
        .hasMessageContaining("at 20.0 MiB/s").hasMessageContaining("it runs on and nothing was stored")
        .hasMessageMatching("2[0-9] MiB: (.|\n)*");
    assertThat(now.get() - 1000 * S).isLessThan(5 * S);
  }

  @Test
  void aRoundThatWouldTakeTheTimeOfTheFreezeIsNotMade() throws ObstructedException {
    Timetable table = within(25, false);
    table.asked(1000 * MIB, 0, S / 100);
    copy(table, 1000, 60);

    // 200 MiB take 3.4 s, and a round more leaves a tenth of it; there is time for one of both.
    assertThat(table.asked(200 * MIB, 0, S / 100)).isEqualTo(Timetable.Next.COPY);
    now.addAndGet(3 * S);
    assertThat(table.asked(200 * MIB, 0, S / 100)).isEqualTo(Timetable.Next.FREEZE);
  }

  @Test
  void aProgramThatWritesAsFastAsItIsCopiedIsFrozenAfterOneRound() throws ObstructedException {
    Timetable table = within(60, false);
    table.asked(1000 * MIB, 0, S / 100);
    copy(table, 1000, 100);

    assertThat(table.asked(990 * MIB, 0, S / 100)).isEqualTo(Timetable.Next.FREEZE);
  }

  @Test
  void whatOnlyTheLastFreezeCanStoreCounts() throws ObstructedException {
    Timetable table = within(25, false);
    table.asked(100 * MIB, 3000 * MIB, S / 100);
    assertThatThrownBy(() -> copy(table, 100, 10)).isInstanceOf(ObstructedException.class);
    Timetable later = within(25, false);
    later.asked(40 * MIB, 3000 * MIB, S / 100);
    copy(later, 40, 100);
    assertThatThrownBy(() -> later.asked(2 * MIB, 3000 * MIB, S / 100)).isInstanceOf(ObstructedException.class)
        .hasMessageContaining("3002 MiB are still to be stored");
  }

  @Test
  void whatIsOverIsOver() throws ObstructedException {
    Timetable table = within(25, false);
    table.lastly(MIB);
    table.check();
    now.addAndGet(26 * S);
    assertThatThrownBy(table::check).hasMessageContaining("the time is over");
  }

  @Test
  void whoWantsToGoOnIsToldAndGoesOn() throws ObstructedException {
    Timetable table = within(25, true);
    table.asked(4000 * MIB, 0, S / 100);
    copy(table, 4000, 20);
    table.asked(100 * MIB, 0, S / 100);
    table.lastly(100 * MIB);
    copy(table, 100, 20);

    assertThat(table.report().leftNs()).isLessThan(-100 * S);
    assertThat(table.told()).singleElement().asString().contains("cannot be there within 25.0 s", "went on");
  }

  @Test
  void aStoreThatSlowsDownInTheLastFreezeIsGivenUpBeforeTheDeadline() throws ObstructedException {
    Timetable table = within(25, false);
    table.asked(1000 * MIB, 0, S / 100);
    copy(table, 1000, 200);
    table.lastly(30 * MIB);

    assertThatThrownBy(() -> copy(table, 30, 1)).hasMessageContaining("cannot be there");
    assertThat(now.get() - 1000 * S).isLessThan(10 * S);
  }
}
