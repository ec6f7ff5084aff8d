package stasis.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import stasis.image.LossRow;
import stasis.image.LossRow.Exactness;

/// The loss table as text and as JSON.
final class LossTable {
  private LossTable() {}

  /// @return one line per row that is not exact, and how many are; all rows if asked for
  static String render(List<LossRow> losses, boolean all) {
    Table table = new Table("SUBJECT", "KIND", "", "WHAT DIFFERS OR WHY");
    long exact = 0;
    for (LossRow row : losses) {
      boolean isExact = row.exactness() == Exactness.EXACT;
      exact += isExact ? 1 : 0;
      if (all || !isExact) {
        table.row(row.subject(), row.kind(), word(row.exactness()), reason(row));
      }
    }
    String counted = Units.count(exact, "resource") + " exact\n";
    return table.isEmpty() ? counted : table.render() + counted;
  }

  static Json json(List<LossRow> losses) {
    List<Json> rows = new ArrayList<>();
    for (LossRow row : losses) {
      rows.add(Json.object(
          Json.member("subject", Json.text(row.subject())),
          Json.member("kind", Json.text(row.kind())),
          Json.member("exactness", Json.text(word(row.exactness()))),
          Json.member("detail", Json.text(row.detail())),
          Json.member("remedy", Json.text(row.remedy().orElse("")))));
    }
    return new Json.Items(rows);
  }

  private static String word(Exactness exactness) {
    return exactness.name().toLowerCase(Locale.ROOT);
  }

  private static String reason(LossRow row) {
    return row.detail() + row.remedy().map(remedy -> "; remedy: " + remedy).orElse("");
  }
}
