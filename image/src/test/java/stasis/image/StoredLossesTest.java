package stasis.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class StoredLossesTest {
  private static LossRow row(String subject, String kind, LossRow.Exactness exactness, String detail, String remedy) {
    return new LossRow(subject, kind, exactness, detail, Optional.of(remedy).filter(text -> !text.isEmpty()));
  }

  @Test
  void everyRowComesBackAtItsPlace() {
    List<LossRow> rows = new ArrayList<>();
    for (String kind : new String[] {"core.task", "task.comm", "core.task"}) {
      for (int task = 0; task < 100; task++) {
        rows.add(row("task " + task, kind, LossRow.Exactness.EXACT, "", ""));
      }
      rows.add(row("task 7", kind, LossRow.Exactness.APPROXIMATE, "about " + kind, "do"));
      rows.add(row("task 7", kind, LossRow.Exactness.APPROXIMATE, "about " + kind, ""));
      rows.add(row("task 8", kind, LossRow.Exactness.REFUSED, "", "do"));
    }
    StoredLosses stored = StoredLosses.of(rows);
    assertThat(stored.rows()).isEqualTo(rows);
    assertThat(stored.runs()).hasSize(12);
    assertThat(StoredLosses.of(List.of()).rows()).isEmpty();
  }

  @Test
  void aTextThatIsNotThereIsRefused() {
    for (int text : new int[] {-1, 1}) {
      assertThatThrownBy(() -> new StoredLosses(List.of("a"), List.of(new StoredLosses.Run(0, LossRow.Exactness.EXACT, 0,
          Optional.empty(), List.of(0, text))))).isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("text " + text + " of 1");
    }
  }
}
