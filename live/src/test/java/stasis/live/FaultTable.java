package stasis.live;

import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/// What came of the runs of a fault sweep, as a table for people.
final class FaultTable {
  private final Map<String, Map<String, Integer>> rows = new TreeMap<>();

  /// @param row program, act and fault @param what came of it
  void count(String row, String what) {
    rows.computeIfAbsent(row, _ -> new TreeMap<>()).merge(what, 1, Integer::sum);
  }

  int runs() {
    return rows.values().stream().flatMap(row -> row.values().stream()).mapToInt(Integer::intValue).sum();
  }

  /// Lines of Markdown.
  String text() {
    return "| program | act | fault | runs | what came of it |\n|---|---|---|---|---|\n"
        + rows.entrySet().stream().map(row -> "| " + row.getKey() + " | "
            + row.getValue().values().stream().mapToInt(Integer::intValue).sum() + " | "
            + row.getValue().entrySet().stream().map(what -> what.getValue() + " " + what.getKey())
                .collect(Collectors.joining(", ")) + " |").collect(Collectors.joining("\n")) + "\n";
  }
}
