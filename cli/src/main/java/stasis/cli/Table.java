package stasis.cli;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;

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

  /// Each row as an object, keys from the titles; with `of` where there is a heading.
  List<Json> rows(String heading) {
    List<Json> objects = new ArrayList<>();
    for (List<String> row : rows.subList(1, rows.size())) {
      List<Json.Member> members = new ArrayList<>();
      if (!heading.isEmpty()) {
        members.add(Json.member("of", Json.text(heading)));
      }
      for (int i = 0; i < row.size(); i++) {
        members.add(Json.member(rows.getFirst().get(i).toLowerCase(Locale.ROOT).replace('-', '_'),
            Json.text(row.get(i))));
      }
      objects.add(new Json.Members(members));
    }
    return objects;
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
