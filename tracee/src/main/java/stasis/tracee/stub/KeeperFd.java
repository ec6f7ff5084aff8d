package stasis.tracee.stub;

/// A file descriptor in a keeper's table.
///
/// @param number what calls run by the keeper name it by
public record KeeperFd(int number) {
  /// As an argument of such a call.
  public Operand operand() {
    return Operand.imm(number);
  }
}
