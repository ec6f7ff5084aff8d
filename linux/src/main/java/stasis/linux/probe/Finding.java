package stasis.linux.probe;

/// One probe's result.
///
/// @param detail what was seen: the errno of a refusal, a version, a number; may be empty
public record Finding(Feature feature, Verdict verdict, String detail) {
  static Finding present(Feature feature) {
    return new Finding(feature, Verdict.PRESENT, "");
  }

  static Finding present(Feature feature, String detail) {
    return new Finding(feature, Verdict.PRESENT, detail);
  }

  static Finding missing(Feature feature, String detail) {
    return new Finding(feature, Verdict.MISSING, detail);
  }

  static Finding noted(Feature feature, String detail) {
    return new Finding(feature, Verdict.NOTED, detail);
  }
}
