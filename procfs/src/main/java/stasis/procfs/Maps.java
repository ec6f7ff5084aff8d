package stasis.procfs;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.linux.abi.RemoteAddress;

/// `/proc/PID/maps`: the vmas of a task, by rising address.
public record Maps(List<Vma> vmas) {
  public Maps {
    vmas = List.copyOf(vmas);
  }

  public static Maps parse(String latin1) {
    return parse(latin1.getBytes(StandardCharsets.ISO_8859_1));
  }

  /// @param text the whole file; not kept
  public static Maps parse(byte[] text) {
    var vmas = new ArrayList<Vma>(text.length / 60 + 1);
    var line = new VmaLine();
    int start = 0;
    while (start < text.length) {
      int end = start;
      while (end < text.length && text[end] != '\n') {
        end++;
      }
      vmas.add(line.parse(text, start, end));
      start = end + 1;
    }
    return new Maps(vmas);
  }

  /// The vma that holds this address.
  public Optional<Vma> at(RemoteAddress address) {
    int low = 0;
    int high = vmas.size() - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      Vma vma = vmas.get(middle);
      if (vma.contains(address)) {
        return Optional.of(vma);
      }
      if (Long.compareUnsigned(vma.start(), address.bits()) <= 0) {
        low = middle + 1;
      } else {
        high = middle - 1;
      }
    }
    return Optional.empty();
  }

  /// The kernel's own mapping of this name, e.g. `[vdso]`.
  public Optional<Vma> special(String name) {
    return vmas.stream().filter(vma -> vma.isSpecial() && vma.name().equals(name)).findFirst();
  }
}
