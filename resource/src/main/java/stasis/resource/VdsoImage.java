package stasis.resource;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import stasis.linux.abi.Bytes;

/// What of a mapped vdso identifies it: the ELF image up to its end, which is that of its section headers. The rest of
/// the last page is zero, or holds what a tracer left there.
public final class VdsoImage {
  private static final int MAGIC = 0x464c457f;
  private static final int E_SHOFF = 0x28;
  private static final int E_SHENTSIZE = 0x3a;
  private static final int E_SHNUM = 0x3c;
  private static final int HEADER_BYTES = 64;

  private VdsoImage() {}

  /// SHA-256 of the image.
  ///
  /// @param mapped the whole [vdso] mapping, an ELF64 file as elf(5) has it
  /// @throws IllegalArgumentException when it is none
  public static Bytes digest(Bytes mapped) {
    try {
      return Bytes.of(MessageDigest.getInstance("SHA-256").digest(mapped.slice(0, length(mapped)).toArray()));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }

  /// Length of the ELF image, bytes.
  public static int length(Bytes mapped) {
    if (mapped.length() < HEADER_BYTES || mapped.u32(0) != MAGIC) {
      throw new IllegalArgumentException("the vdso is no ELF file");
    }
    long end = mapped.u64(E_SHOFF) + (long) mapped.u16(E_SHENTSIZE) * mapped.u16(E_SHNUM);
    if (end < HEADER_BYTES || end > mapped.length()) {
      throw new IllegalArgumentException("section headers end at " + end + " of " + mapped.length() + " bytes");
    }
    return (int) end;
  }
}
