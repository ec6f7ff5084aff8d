package stasis.engine;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import stasis.image.PageRun;
import stasis.image.PageRuns;
import stasis.repository.EarlierPages;
import stasis.repository.ImageContent;
import stasis.repository.ImageException;

/// What of one body is as it was in an earlier image.
///
/// @param pages those that nobody can have written since @param earlier where its pages lie in that image
record Unwritten(Intervals pages, PageRuns earlier) {
  /// The windows that hold the same pages as before, none of them written.
  ///
  /// @param runs of the new image
  List<ImageContent.Kept> of(List<PageRun> runs, EarlierPages image) throws ImageException {
    var kept = new ArrayList<ImageContent.Kept>();
    var before = new Following(new Windows(iterator(earlier)));
    var unwritten = new Following(new Windows(pages.runs().stream()
        .map(run -> new PageRun(run.start().bits(), run.lengthBytes(), 0)).iterator()));
    for (var windows = new Windows(runs.iterator()); windows.hasNext();) {
      Windows.Window now = windows.next();
      Optional<Windows.Window> then = before.at(now.index());
      int known = unwritten.at(now.index()).map(Windows.Window::pages).orElse(0);
      if (then.isPresent() && now.together() && then.get().together() && then.get().pages() == now.pages()
          && (now.pages() & ~known) == 0 && image.holds(then.get().sectionOffset(), now.lengthBytes())) {
        append(kept, new ImageContent.Kept(now.sectionOffset(), now.lengthBytes(), then.get().sectionOffset()));
      }
    }
    return kept;
  }

  private static void append(List<ImageContent.Kept> kept, ImageContent.Kept next) {
    if (!kept.isEmpty()) {
      ImageContent.Kept last = kept.getLast();
      if (last.sectionOffset() + last.lengthBytes() == next.sectionOffset()
          && last.earlierOffset() + last.lengthBytes() == next.earlierOffset()) {
        kept.set(kept.size() - 1, new ImageContent.Kept(last.sectionOffset(), last.lengthBytes() + next.lengthBytes(),
            last.earlierOffset()));
        return;
      }
    }
    kept.add(next);
  }

  private static Iterator<PageRun> iterator(PageRuns runs) {
    PageRuns.Cursor cursor = runs.cursor();
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        return cursor.hasNext();
      }

      @Override
      public PageRun next() {
        if (!cursor.hasNext()) {
          throw new NoSuchElementException("no run is left");
        }
        return cursor.next();
      }
    };
  }

  /// Windows asked for in rising order.
  private static final class Following {
    private final Windows windows;
    private Optional<Windows.Window> current = Optional.empty();

    Following(Windows windows) {
      this.windows = windows;
    }

    Optional<Windows.Window> at(long index) {
      while ((current.isEmpty() || current.get().index() < index) && windows.hasNext()) {
        current = Optional.of(windows.next());
      }
      return current.filter(window -> window.index() == index);
    }
  }
}
