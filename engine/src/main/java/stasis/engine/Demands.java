package stasis.engine;

import java.util.List;
import stasis.image.LossRow;
import stasis.repository.ImageWriter;
import stasis.resource.Obstacle;

/// What stands in the way of what a request asks for besides an image.
final class Demands {
  private Demands() {}

  /// Of a certificate.
  static List<Obstacle> provable(Capture settled, ImageWriter writer) {
    return writer.takesCertificate() ? ProvablePart.of(settled).obstacles() : List.of(new Obstacle.Unsupported(
        "certificate", "it has no place in a stream, nor beside a statefile that is encrypted or signed",
        "checkpoint into a repository, which may be both"));
  }

  /// Of nothing lost.
  static List<Obstacle> strict(List<LossRow> rows) {
    return rows.stream().filter(row -> row.exactness() == LossRow.Exactness.APPROXIMATE)
        .<Obstacle>map(row -> new Obstacle.Unsupported(row.subject(), "only approximate: " + row.detail(),
            row.remedy().orElse("leave --strict away"))).toList();
  }
}
