package stasis.cli;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/// Rows in columns as wide as their widest cell; the last column is as long as it likes.
final class Table {
  private static final String GAP = "  ";

  private final List<List<String>> rows = new ArrayList<>();

  Table(String... titles) {
    rows.add(List.of(titles));
  }

  void row(String... cells) {
    if (cells.length != rows.getFirst().size()) {
      throw new IllegalArgumentException("a row of " + cells.length + " in a table of " + rows.getFirst().size());
    }
    rows.add(List.of(cells));
  }

  String render() {
    int columns = rows.getFirst().size();
    List<Integer> widths = new ArrayList<>(Collections.nCopies(columns, 0));
    for (List<String> row : rows) {
      for (int column = 0; column < columns; column++) {
        widths.set(column, Math.max(widths.get(column), row.get(column).length()));
      }
    }
    StringBuilder out = new StringBuilder();
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int column = 0; column < columns; column++) {
        String cell = row.get(column);
        line.append(cell).repeat(' ', widths.get(column) - cell.length()).append(GAP);
      }
      out.append(line.toString().stripTrailing()).append('\n');
    }
    return out.toString();
  }
}
