package stasis.engine;

import java.util.List;
import stasis.image.DecodeException;
import stasis.image.Statefile;
import stasis.resource.Obstacle;

/// Whether a restorer wants an image at all. Asked before anything is planned.
@FunctionalInterface
public interface Acceptance {
  /// Every image is wanted.
  Acceptance ALL = _ -> List.of();

  /// @return why not; none: it is wanted
  List<Obstacle> obstacles(Statefile statefile) throws DecodeException;
}
