package stasis.resource;

import java.util.Map;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;

/// What a syscall said.
///
/// @param result the value, or minus errno
/// @param outputs contents of each [Arg.Space] and [Arg.Data] after the call, by argument index
public record Answer(long result, Map<Integer, Bytes> outputs) {
  public Answer {
    outputs = Map.copyOf(outputs);
  }

  public boolean failed() {
    return Errno.isError(result);
  }

  public boolean failedWith(Errno errno) {
    return result == -errno.number();
  }

  /// @throws IllegalStateException when the argument was no buffer
  public Bytes output(int argument) {
    Bytes bytes = outputs.get(argument);
    if (bytes == null) {
      throw new IllegalStateException("argument " + argument + " was no buffer");
    }
    return bytes;
  }
}
