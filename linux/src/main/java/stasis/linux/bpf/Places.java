package stasis.linux.bpf;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;

/// Where fields lie in a struct of this kernel.
final class Places {
  private final Map<String, Integer> offsets = new HashMap<>();
  private int end;

  private Places() {}

  /// @param expressions see [Btf#field], without pointers to follow; of several names, between them `|`, the first that
  ///     this kernel has counts
  static Places of(Btf btf, String struct, String... expressions) throws UnsupportedKernel {
    var places = new Places();
    for (String expression : expressions) {
      FieldPlace place = Arrays.stream(expression.split("\\|", -1)).flatMap(name -> btf.field(struct, name).stream())
          .findFirst().orElseThrow(() -> new UnsupportedKernel("this kernel's " + struct + " has no " + expression));
      places.offsets.put(expression, place.offsetBytes());
      places.end = Math.max(places.end, place.offsetBytes() + place.sizeBytes());
    }
    return places;
  }

  int at(String expression) {
    Integer offset = offsets.get(expression);
    if (offset == null) {
      throw new IllegalArgumentException("no field " + expression);
    }
    return offset;
  }

  /// The first byte behind all of them.
  int end() {
    return end;
  }

  /// What was read is not what it should be.
  static SyscallException lost(String what) {
    return new SyscallException(Nr.BPF, Errno.ESTALE, "read a socket's queue: " + what);
  }
}
