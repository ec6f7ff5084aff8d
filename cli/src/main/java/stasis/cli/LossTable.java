package stasis.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import stasis.image.LossRow;
import stasis.image.LossRow.Exactness;

/// The loss table as text and as JSON.
final class LossTable {
  private LossTable() {}

  /// Each row that is not exact, its reason on a line below, and how many are; all rows if asked for. Not in columns:
  /// one long path would push every reason off the screen.
  static String render(List<LossRow> losses, boolean all) {
    StringBuilder out = new StringBuilder();
    long exact = 0;
    for (LossRow row : losses) {
      boolean isExact = row.exactness() == Exactness.EXACT;
      exact += isExact ? 1 : 0;
      if (all || !isExact) {
        out.append(word(row.exactness())).append("  ").append(row.subject())
            .append(row.kind().isEmpty() ? "" : "  " + row.kind()).append('\n');
        if (!reason(row).isEmpty()) {
          out.append("    ").append(reason(row)).append('\n');
        }
      }
    }
    return exact == 0 ? out.toString() : out.append(Units.count(exact, "resource")).append(" exact\n").toString();
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
