package stasis.engine;

import java.util.OptionalInt;
import stasis.procfs.Smaps;
import stasis.procfs.VmFlags;
import stasis.procfs.Vma;

/// What a checkpoint has to know of a vma.
///
/// @param pageBytes what the kernel maps it with @param protectionKey see [Smaps.Entry]
/// @param huge whether it has anonymous huge pages; told only where it was asked for, or the program did
record VmaFacts(Vma vma, VmFlags flags, long pageBytes, OptionalInt protectionKey, boolean huge) {
  static VmaFacts of(Smaps.Entry entry) {
    return new VmaFacts(entry.vma(), entry.flags(), entry.kernelPageSizeKib() << 10, entry.protectionKey(),
        entry.anonHugePagesKib() > 0);
  }
}
