package stasis.resource;

import stasis.linux.abi.Bytes;

/// What only the kernel's own memory shows of a pseudoterminal without taking it away.
///
/// @param output what the master has not read @param input what the slave has not
/// @param stopped whether output waits @param stoppedByCall whether tcflow(3) stopped it
public record HiddenTerminal(Bytes output, Input input, boolean stopped, boolean stoppedByCall) {
  /// What was typed.
  ///
  /// @param content what can be read, and the beginning of a line @param ends a bit for each byte of it, from the
  ///     lowest of the first on: here a line ends @param wholeBytes how much of it belongs to whole lines
  /// @param pushed whether the first line is what was there when lines began @param literalNext whether the next
  ///     character is taken as it is @param echo whether some is still to be shown
  /// @param coming what there was no room for, and that is yet to be interpreted
  public record Input(Bytes content, Bytes ends, int wholeBytes, boolean pushed, boolean literalNext, boolean echo,
      Bytes coming) {}
}
