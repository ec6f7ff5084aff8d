package stasis.linux.bpf;

import stasis.linux.abi.Bytes;

/// What the kernel keeps of a pseudoterminal and only a read(2) that takes it away would tell.
///
/// @param output what the master has not read @param input what the slave has not
/// @param stopped whether output waits @param stoppedByCall whether tcflow(3) stopped it
public record KernelTerminal(Queue output, Queue input, boolean stopped, boolean stoppedByCall) {
  /// One direction (drivers/tty/n_tty.c, `struct n_tty_data`).
  ///
  /// @param content what the line discipline has @param ends a bit for each byte of it, from the lowest of the first
  ///     on: here a line ends @param lineBytes how much of it belongs to whole lines
  /// @param pushed whether the first line is what was there when lines began @param literalNext whether the next
  ///     character is taken as it is @param echo whether some is still to be shown
  /// @param coming what the line discipline has no room for yet
  public record Queue(Bytes content, Bytes ends, int lineBytes, boolean pushed, boolean literalNext, boolean echo,
      Bytes coming) {}
}
