package stasis.cli;

import java.time.Instant;
import java.util.List;
import stasis.image.Certificate;

/// A certificate for people, and for programs.
final class CertificateRows {
  private static final long NANOS = 1_000_000_000L;

  private CertificateRows() {}

  static Shown of(Certificate certificate) {
    Table proved = new Table("PROVED", "");
    proved.row("at", Instant.ofEpochSecond(certificate.provenUnixNs() / NANOS).toString());
    proved.row("by", "stasis " + certificate.engineVersion());
    proved.row("on", "Linux " + certificate.kernelRelease() + ", " + certificate.cpuModel());
    proved.row("within", Units.duration(certificate.lastedNs()));
    proved.row("tasks", Integer.toString(certificate.tasks()));
    proved.row("objects", Integer.toString(certificate.objects()));
    proved.row("contents", Units.bytes(certificate.contentBytes()) + ", SHA-256 " + certificate.contentSha256());
    Table compared = new Table("KIND", "EQUAL", "APPROXIMATE");
    certificate.kinds().forEach(kind -> compared.row(kind.kind(), Integer.toString(kind.equal()),
        Integer.toString(kind.approximate())));
    Table unproven = new Table("NOT PROVED", "KIND", "WHY");
    certificate.unproven().forEach(row -> unproven.row(row.subject(), row.kind(), row.why()));
    return Shown.of(List.of(new Shown.Section("certificate", proved), new Shown.Section("compared", compared),
        new Shown.Section("what such a copy cannot show", unproven)));
  }

  static String line(Certificate certificate) {
    return "certificate: restored and compared on Linux %s, %s: %d objects and %s as stored, %d not provable%n"
        .formatted(certificate.kernelRelease(), certificate.cpuModel(), certificate.objects(),
            Units.bytes(certificate.contentBytes()), certificate.unproven().size());
  }

  static Json json(Certificate certificate) {
    return Json.object(
        Json.member("proved_unix_ns", Json.number(certificate.provenUnixNs())),
        Json.member("engine", Json.text(certificate.engineVersion())),
        Json.member("kernel", Json.text(certificate.kernelRelease())),
        Json.member("cpu", Json.text(certificate.cpuModel())),
        Json.member("lasted_ms", Json.millis(certificate.lastedNs())),
        Json.member("tasks", Json.number(certificate.tasks())),
        Json.member("content_bytes", Json.number(certificate.contentBytes())),
        Json.member("content_sha256", Json.text(certificate.contentSha256().toString())),
        Json.member("compared", new Json.Items(certificate.kinds().stream().map(kind -> Json.object(
            Json.member("kind", Json.text(kind.kind())),
            Json.member("equal", Json.number(kind.equal())),
            Json.member("approximate", Json.number(kind.approximate())))).toList())),
        Json.member("unproven", new Json.Items(certificate.unproven().stream().map(row -> Json.object(
            Json.member("subject", Json.text(row.subject())),
            Json.member("kind", Json.text(row.kind())),
            Json.member("why", Json.text(row.why())))).toList())));
  }
}
