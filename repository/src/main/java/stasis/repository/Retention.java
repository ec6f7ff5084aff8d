package stasis.repository;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// Which checkpoints of one name stay. Those that a tag names stay in any case.
///
/// @param last the newest so many @param hourly the newest of each of so many hours that have any; likewise the others;
///     hours and days of UTC, weeks from Monday
public record Retention(int last, int hourly, int daily, int weekly) {
  private static final long HOUR_NS = 3_600_000_000_000L;
  private static final long DAY_NS = 24 * HOUR_NS;
  /// 1970 began on a Thursday.
  private static final long WEEK_BEGINS_NS = 4 * DAY_NS;

  /// Whether nothing at all would stay.
  public boolean keepsNothing() {
    return last == 0 && hourly == 0 && daily == 0 && weekly == 0;
  }

  /// @param images of one name @return those that go
  List<KeptImage> forgotten(List<KeptImage> images) {
    List<KeptImage> newestFirst = new ArrayList<>(images);
    newestFirst.sort(Comparator.comparingInt(KeptImage::number).reversed());
    Set<KeptImage> kept = new HashSet<>(newestFirst.subList(0, Math.min(last, newestFirst.size())));
    keep(newestFirst, kept, hourly, HOUR_NS, 0);
    keep(newestFirst, kept, daily, DAY_NS, 0);
    keep(newestFirst, kept, weekly, 7 * DAY_NS, WEEK_BEGINS_NS);
    return images.stream().filter(image -> image.tags().isEmpty() && !kept.contains(image)).toList();
  }

  private static void keep(List<KeptImage> newestFirst, Set<KeptImage> kept, int count, long spanNs, long beginsNs) {
    Set<Long> spans = new HashSet<>();
    for (KeptImage image : newestFirst) {
      long span = Math.floorDiv(image.facts().createdUnixNs() - beginsNs, spanNs);
      if (spans.size() < count && spans.add(span)) {
        kept.add(image);
      }
    }
  }
}
