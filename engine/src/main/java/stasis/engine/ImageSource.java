package stasis.engine;

import java.util.Map;
import java.util.HashMap;
import java.util.Optional;
import stasis.image.ObjectId;
import stasis.image.PageMap;
import stasis.image.Statefile;
import stasis.repository.ImageReader;
import stasis.resource.Step;

/// The page section as a restore reads it.
final class ImageSource {
  private final ImageReader reader;
  private final Map<ObjectId, RunSeeker> runs = new HashMap<>();

  ImageSource(ImageReader reader, Statefile statefile) {
    this.reader = reader;
    for (PageMap map : statefile.pageMaps()) {
      runs.put(map.body(), new RunSeeker(map.runs()));
    }
  }

  ImageReader reader() {
    return reader;
  }

  Optional<RunSeeker> runs(ObjectId body) {
    return Optional.ofNullable(runs.get(body));
  }

  /// How much of a fill there is to put in.
  long storedBytes(Step.Fill fill) {
    long end = fill.fromOffset() + fill.lengthBytes();
    long[] bytes = {0};
    runs(fill.body()).ifPresent(runs -> runs.each(fill.fromOffset(), end,
        run -> bytes[0] += Math.min(run.end(), end) - Math.max(run.start(), fill.fromOffset())));
    return bytes[0];
  }
}
