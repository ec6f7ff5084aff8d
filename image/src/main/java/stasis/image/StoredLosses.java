package stasis.image;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The loss table as it is stored: of a program with many threads each has the same rows, about itself.
///
/// @param texts each once @param runs rows that follow each other and differ in their subject only
record StoredLosses(@Tag(1) List<String> texts, @Tag(2) List<Run> runs) {
  /// @param kind index of a text, as are `detail`, `remedy` and `subjects`
  record Run(@Tag(1) int kind, @Tag(2) LossRow.Exactness exactness, @Tag(3) int detail, @Tag(4) Optional<Integer> remedy,
      @Tag(5) List<Integer> subjects) {
    Run {
      subjects = List.copyOf(subjects);
    }
  }

  /// @throws IllegalArgumentException where there is no such text
  StoredLosses {
    texts = List.copyOf(texts);
    runs = List.copyOf(runs);
    int count = texts.size();
    for (Run run : runs) {
      check(run.kind(), count);
      check(run.detail(), count);
      run.remedy().ifPresent(remedy -> check(remedy, count));
      run.subjects().forEach(subject -> check(subject, count));
    }
  }

  private static void check(int text, int count) {
    if (text < 0 || text >= count) {
      throw new IllegalArgumentException("a row has text " + text + " of " + count);
    }
  }

  static StoredLosses of(List<LossRow> rows) {
    Map<String, Integer> texts = new LinkedHashMap<>();
    var runs = new ArrayList<Run>();
    for (int from = 0; from < rows.size();) {
      LossRow first = rows.get(from);
      var subjects = new ArrayList<Integer>();
      int to = from;
      for (; to < rows.size() && rows.get(to).isAs(first); to++) {
        subjects.add(index(rows.get(to).subject(), texts));
      }
      runs.add(new Run(index(first.kind(), texts), first.exactness(), index(first.detail(), texts),
          first.remedy().map(remedy -> index(remedy, texts)), subjects));
      from = to;
    }
    return new StoredLosses(List.copyOf(texts.keySet()), runs);
  }

  private static int index(String text, Map<String, Integer> texts) {
    return texts.computeIfAbsent(text, _ -> texts.size());
  }

  List<LossRow> rows() {
    var rows = new ArrayList<LossRow>();
    for (Run run : runs) {
      Optional<String> remedy = run.remedy().map(texts::get);
      for (int subject : run.subjects()) {
        rows.add(new LossRow(texts.get(subject), texts.get(run.kind()), run.exactness(), texts.get(run.detail()),
            remedy));
      }
    }
    return List.copyOf(rows);
  }
}
