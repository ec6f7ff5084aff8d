package stasis.resource;

/// One way in which a restored resource is only nearly the one that was checkpointed. Shown by `explain`, stored in the
/// statefile, refused by `--strict`.
///
/// @param detail what differs, for a person @param remedy what would make it exact, or empty
public record Loss(String detail, String remedy) {
  public static Loss of(String detail) {
    return new Loss(detail, "");
  }
}
