package stasis.engine;

import java.util.Optional;
import java.util.OptionalInt;
import stasis.linux.bpf.KernelVma;
import stasis.procfs.Smaps;
import stasis.procfs.VmFlags;
import stasis.procfs.Vma;

/// What a checkpoint has to know of a vma.
///
/// @param pageBytes what the kernel maps it with @param protectionKey see [Smaps.Entry]
/// @param mayHavePolicy whether it may have a memory policy; empty where the kernel was not asked
/// @param huge whether it has anonymous huge pages; told only where it was asked for, or the program did
record VmaFacts(Vma vma, VmFlags flags, long pageBytes, OptionalInt protectionKey, boolean huge,
    Optional<Boolean> mayHavePolicy) {
  /// @param word of the same vma, where there is one
  static VmaFacts of(Smaps.Entry entry, Optional<KernelVma> word) {
    return new VmaFacts(entry.vma(), entry.flags(), entry.kernelPageSizeKib() << 10, entry.protectionKey(),
        entry.anonHugePagesKib() > 0,
        word.filter(found -> found.end() == entry.vma().end()).map(KernelVma::mayHavePolicy));
  }
}
