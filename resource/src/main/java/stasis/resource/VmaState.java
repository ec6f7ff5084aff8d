package stasis.resource;

import stasis.image.ObjectId;
import stasis.image.Tag;
import stasis.linux.abi.RemoteAddress;

/// One vma in a statefile.
///
/// @param prot PROT_ bits @param shared MAP_SHARED @param offset file offset, bytes @param flags VmFlags, two letters
///     each,
///     separated by spaces @param name anon_vma_name without brackets, or empty @param backing object of a
/// [MappingKind]
public record VmaState(@Tag(1) RemoteAddress start, @Tag(2) long lengthBytes, @Tag(3) int prot, @Tag(4) boolean shared,
    @Tag(5) long offset, @Tag(6) String flags, @Tag(7) String name, @Tag(8) ObjectId backing) {
  public static final int PROT_READ = 1;
  public static final int PROT_WRITE = 2;
  public static final int PROT_EXEC = 4;

  public VmaState {
    if (lengthBytes <= 0 || (lengthBytes & 4095) != 0 || (start.bits() & 4095) != 0) {
      throw new IllegalArgumentException("a vma is whole pages, was " + start + "+" + lengthBytes);
    }
  }

  public RemoteAddress end() {
    return start.plus(lengthBytes);
  }

  public boolean has(String flag) {
    for (int at = flags.indexOf(flag); at >= 0; at = flags.indexOf(flag, at + 1)) {
      int end = at + flag.length();
      if ((at == 0 || flags.charAt(at - 1) == ' ') && (end == flags.length() || flags.charAt(end) == ' ')) {
        return true;
      }
    }
    return false;
  }
}
