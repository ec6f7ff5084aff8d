package stasis.tracee;

import java.util.List;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;

/// What came of a remote call.
public sealed interface CallResult {
  /// @param outputs the InOut and Out arguments in their order, as the call left them
  record Returned(long value, List<Bytes> outputs) implements CallResult {
    public Returned {
      outputs = List.copyOf(outputs);
    }
  }

  record Failed(Errno errno) implements CallResult {}

  /// The task is gone; whether this call was still made is not known.
  record Died(Stop last) implements CallResult {}
}
