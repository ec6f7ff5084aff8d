package stasis.image;

import java.util.Optional;

/// One line of the loss table: what becomes of one resource.
///
/// @param subject `pid 12 fd 3 /tmp/x`
/// @param kind the schema's name, `file.regular`
/// @param detail what differs or why it is refused; of an exact one who shares it, if anybody
/// @param remedy what the user can do about it, if anything
public record LossRow(@Tag(1) String subject, @Tag(2) String kind, @Tag(3) Exactness exactness,
    @Tag(4) String detail, @Tag(5) Optional<String> remedy) {

  /// Whether it says the same, of whatever.
  boolean isAs(LossRow other) {
    return exactness == other.exactness && kind.equals(other.kind) && detail.equals(other.detail)
        && remedy.equals(other.remedy);
  }

  /// Names are stored in statefiles: never renamed.
  public enum Exactness {
    EXACT,
    APPROXIMATE,
    REFUSED
  }
}
