package stasis.engine;

import java.util.HashMap;
import java.util.Map;
import stasis.linux.abi.Bytes;

/// What the steps of a program have produced so far: results, and the buffers calls wrote into.
final class Values {
  private record Place(int step, int argument) {}

  private final Map<Integer, Long> results = new HashMap<>();
  private final Map<Place, Bytes> outputs = new HashMap<>();

  void result(int step, long value) {
    results.put(step, value);
  }

  void output(int step, int argument, Bytes value) {
    outputs.put(new Place(step, argument), value);
  }

  long result(int step) {
    Long value = results.get(step);
    if (value == null) {
      throw new IllegalStateException("step %" + step + " has no result yet");
    }
    return value;
  }

  long output(int step, int argument, int offset, int width) {
    Bytes bytes = outputs.get(new Place(step, argument));
    if (bytes == null) {
      throw new IllegalStateException("step %" + step + " has no output in argument " + argument);
    }
    return width == 8 ? bytes.u64(offset) : bytes.u32(offset);
  }
}
