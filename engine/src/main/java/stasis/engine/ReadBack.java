package stasis.engine;

import java.util.stream.Collectors;
import stasis.image.DecodeException;
import stasis.image.Limits;
import stasis.image.Statefile;
import stasis.repository.ImageException;
import stasis.repository.ImageReader;
import stasis.resource.Host;
import stasis.resource.KindSet;
import stasis.resource.Obstacle;

/// What was written is read back, decoded and planned: a checkpoint that counts can be restored.
final class ReadBack {
  private ReadBack() {}

  static void prove(KindSet kinds, ImageReader written, Host host) throws ImageException {
    try {
      Statefile statefile = Statefile.decode(written.metadata(), written.pageBytes(), Limits.DEFAULT);
      Plan plan = new Planner(kinds).plan(new Loader(kinds).load(statefile), host);
      if (plan instanceof Plan.Obstructed(var obstacles)) {
        throw new ImageException(ImageException.Reason.DAMAGED, "what was written cannot be restored here: "
            + obstacles.stream().map(Obstacle::text).collect(Collectors.joining("; ")), "");
      }
    } catch (DecodeException e) {
      throw new ImageException(ImageException.Reason.DAMAGED, "what was written does not decode: " + e.getMessage(),
          "report this as a bug of Stasis");
    }
  }
}
