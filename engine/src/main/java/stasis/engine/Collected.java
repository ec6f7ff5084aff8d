package stasis.engine;

import java.util.List;
import stasis.image.LossRow;
import stasis.resource.Obstacle;

/// What collecting says. `explain` stops here.
sealed interface Collected {
  /// @param bodies where to read the contents of bodies @param pages which private pages are stored, by mm
  /// @param files engine's copies of the files; open until the contents are stored
  record Complete(Capture capture, Findings findings, List<BodySource> bodies,
      List<MappingCollector.PrivatePages> pages, FileCollector files) implements Collected, AutoCloseable {
    @Override
    public void close() {
      bodies.forEach(BodySource::close);
      files.close();
    }
  }

  /// @param obstacles not empty
  record Obstructed(List<Obstacle> obstacles, List<LossRow> losses) implements Collected {}
}
