package stasis.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// What was measured of one contender on one workload.
final class Figures {
  private final List<Long> frozen = new ArrayList<>();
  private final List<Long> total = new ArrayList<>();
  private final List<Long> leftFrozen = new ArrayList<>();
  private final List<Long> leftTotal = new ArrayList<>();
  private final List<Long> gap = new ArrayList<>();
  private final List<Long> restore = new ArrayList<>();
  private final List<Long> restoreCached = new ArrayList<>();
  private final List<Long> bytes = new ArrayList<>();

  void frozen(long ns) {
    frozen.add(ns);
  }

  void total(long ns) {
    total.add(ns);
  }

  void leftFrozen(long ns) {
    leftFrozen.add(ns);
  }

  void leftTotal(long ns) {
    leftTotal.add(ns);
  }

  /// As the program itself saw it.
  void gap(long ns) {
    gap.add(ns);
  }

  void restore(long ns) {
    restore.add(ns);
  }

  void restoreCached(long ns) {
    restoreCached.add(ns);
  }

  void bytes(long length) {
    bytes.add(length);
  }

  static String header(boolean peer) {
    return peer ? "| | figure | stasis | (least) | peer | (least) | ratio |\n|---|---|---|---|---|---|---|"
        : "| | figure | stasis | (least) |\n|---|---|---|---|";
  }

  /// One row for each figure: medians, the least of all in parentheses, and the ratio of the medians.
  static String rows(String title, List<Figures> all) {
    StringBuilder out = new StringBuilder();
    row(out, title, "frozen, left running, ms", 1e6, all.stream().map(f -> f.leftFrozen).toList());
    if (!all.getFirst().gap.isEmpty()) {
      row(out, "", "largest gap of its clock, left running, ms", 1e6, all.stream().map(f -> f.gap).toList());
    }
    row(out, "", "total, left running, ms", 1e6, all.stream().map(f -> f.leftTotal).toList());
    row(out, "", "frozen, ended, ms", 1e6, all.stream().map(f -> f.frozen).toList());
    row(out, "", "total, ended, ms", 1e6, all.stream().map(f -> f.total).toList());
    row(out, "", "restore, ms", 1e6, all.stream().map(f -> f.restore).toList());
    row(out, "", "restore, image cached, ms", 1e6, all.stream().map(f -> f.restoreCached).toList());
    row(out, "", "image, KiB", 1024, all.stream().map(f -> f.bytes).toList());
    return out.substring(0, out.length() - 1);
  }

  private static void row(StringBuilder out, String title, String figure, double unit, List<List<Long>> values) {
    out.append("| ").append(title).append(" | ").append(figure).append(" |");
    for (List<Long> measured : values) {
      out.append(String.format(Locale.ROOT, " **%.1f** | %.1f |", median(measured) / unit,
          measured.stream().mapToLong(v -> v).min().orElse(0) / unit));
    }
    if (values.size() == 2) {
      out.append(String.format(Locale.ROOT, " %.2f |", median(values.getFirst()) / (double) median(values.getLast())));
    }
    out.append('\n');
  }

  static long median(List<Long> values) {
    List<Long> sorted = values.stream().sorted().toList();
    return sorted.isEmpty() ? 0 : (sorted.get((sorted.size() - 1) / 2) + sorted.get(sorted.size() / 2)) / 2;
  }
}
