package stasis.engine;

import java.util.List;
import stasis.image.LossRow;
import stasis.resource.Obstacle;

/// What collecting says. `explain` stops here.
sealed interface Collected {
  /// @param bodies where to read the contents of bodies @param privateRanges which vmas' own pages are stored
  /// @param files engine's copies of the files; open until the contents are stored
  record Complete(Capture capture, Findings findings, List<BodySource> bodies,
      List<MappingCollector.Range> privateRanges, FileCollector files) implements Collected, AutoCloseable {
    @Override
    public void close() {
      bodies.forEach(BodySource::close);
      files.close();
    }
  }

  /// @param obstacles not empty
  record Obstructed(List<Obstacle> obstacles, List<LossRow> losses) implements Collected {}
}
