package stasis.kinds.file.tcp;

import java.util.Optional;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;
import stasis.resource.HiddenQueues;
import stasis.resource.HiddenSocket;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;

/// The urgent byte of a stream (tcp(7), MSG_OOB): it has its place among the others, and a normal read stops at it.
///
/// @param at how many bytes of the queue come before it @param taken whether it was read out of band already, so that
///     normal reads pass over it
record Urgent(@Tag(1) int at, @Tag(2) boolean taken) {
  /// One that is only announced comes with the data that bring it.
  ///
  /// @param end sequence number behind all that came
  static Optional<Urgent> received(HiddenSocket.Stream stream, int end) {
    boolean here = (stream.urgent() & (HiddenSocket.URGENT_UNREAD | HiddenSocket.URGENT_READ)) != 0;
    int at = stream.urgentAt() - stream.readTo();
    return here && at >= 0 && at < end - stream.readTo()
        ? Optional.of(new Urgent(at, (stream.urgent() & HiddenSocket.URGENT_READ) != 0)) : Optional.empty();
  }

  /// All that is unread: a call stops at the urgent byte.
  static Bytes received(OpenFile file, int first, int end) throws ObstructedException {
    HiddenQueues queues = file.hiddenQueues().orElseThrow(() -> new ObstructedException(file.subject(),
        "it has urgent data", "let the program read past them before the checkpoint"));
    return queues.received(first, end);
  }

  /// @param queuedBytes how many are not acknowledged
  static Optional<Urgent> sent(HiddenSocket.Stream stream, int queuedBytes) {
    int at = stream.urgentSentTo() - stream.acknowledged() - 1;
    return at >= 0 && at < queuedBytes ? Optional.of(new Urgent(at, false)) : Optional.empty();
  }
}
