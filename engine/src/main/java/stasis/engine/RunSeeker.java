package stasis.engine;

import java.util.Optional;
import java.util.function.Consumer;
import stasis.image.PageRun;
import stasis.image.PageRuns;

/// The runs of one body, asked for range after range. Ranges that ascend, as the vmas of an mm do, cost one pass in all.
final class RunSeeker {
  private final PageRuns runs;
  private PageRuns.Cursor cursor;
  private Optional<PageRun> next = Optional.empty();
  private long askedEnd;

  RunSeeker(PageRuns runs) {
    this.runs = runs;
    this.cursor = runs.cursor();
  }

  /// Every run that has a part in `[start, end)`, in order.
  void each(long start, long end, Consumer<PageRun> run) {
    if (start < askedEnd) {
      cursor = runs.cursor();
      next = Optional.empty();
    }
    askedEnd = end;
    while (next.isPresent() || cursor.hasNext()) {
      PageRun one = next.isPresent() ? next.get() : cursor.next();
      next = Optional.of(one);
      if (one.start() >= end) {
        return;
      }
      if (one.end() > start) {
        run.accept(one);
      }
      if (one.end() > end) {
        return;
      }
      next = Optional.empty();
    }
  }
}
