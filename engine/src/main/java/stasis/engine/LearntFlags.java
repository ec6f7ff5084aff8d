package stasis.engine;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import stasis.linux.bpf.KernelVma;
import stasis.procfs.Maps;
import stasis.procfs.Smaps;
import stasis.procfs.VmFlag;
import stasis.procfs.VmFlags;
import stasis.procfs.Vma;

/// What `vm_flags` of the running kernel mean: the line `VmFlags:` of smaps and the protection key, which are made of
/// them alone (fs/proc/task_mmu.c, show_smap()). Learnt from mms that stood still while both were read. For smaps the
/// kernel walks all page tables, 20 ms for each GiB in small pages; for maps and the kernel's own word it does not.
/// Any thread may use it.
final class LearntFlags {
  private static final long PAGE_BYTES = 4096;
  /// More than any kernel has in use; a table that grows without end would be a mistake.
  private static final int MOST = 4096;

  private record Meaning(VmFlags flags, OptionalInt protectionKey) {}

  /// Empty for a word that was seen with two meanings.
  private final Map<Long, Optional<Meaning>> meanings = new HashMap<>();

  /// @param smaps of an mm that stands still @param words of the same
  synchronized void learn(Smaps smaps, List<KernelVma> words) {
    Map<Long, KernelVma> byStart = byStart(words);
    for (Smaps.Entry entry : smaps.entries()) {
      KernelVma word = byStart.get(entry.vma().start());
      if (word != null && word.end() == entry.vma().end()) {
        var meaning = Optional.of(new Meaning(entry.flags(), entry.protectionKey()));
        Optional<Meaning> known = meanings.getOrDefault(word.flags(), meaning);
        if (meanings.size() < MOST) {
          meanings.put(word.flags(), known.equals(meaning) ? meaning : Optional.empty());
        }
      }
    }
  }

  /// @return empty where smaps must be asked: a word is new, or huge pages may be there, which only smaps tells
  synchronized Optional<List<VmaFacts>> describe(Maps maps, List<KernelVma> words) {
    Map<Long, KernelVma> byStart = byStart(words);
    var facts = new ArrayList<VmaFacts>(words.size());
    for (Vma vma : maps.vmas()) {
      KernelVma word = byStart.get(vma.start());
      // Where the emulated vsyscall page lies there is a vma of nobody's.
      if (word == null && vma.name().equals(MappingCollector.VSYSCALL)) {
        continue;
      }
      Optional<Meaning> meaning = word == null || word.end() != vma.end() ? Optional.empty()
          : meanings.getOrDefault(word.flags(), Optional.empty());
      if (meaning.isEmpty() || meaning.get().flags().has(VmFlag.HT) || meaning.get().flags().has(VmFlag.HG)) {
        return Optional.empty();
      }
      facts.add(new VmaFacts(vma, meaning.get().flags(), PAGE_BYTES, meaning.get().protectionKey(), false,
          Optional.ofNullable(word).map(KernelVma::mayHavePolicy)));
    }
    return facts.size() == words.size() ? Optional.of(facts) : Optional.empty();
  }

  static Map<Long, KernelVma> byStart(List<KernelVma> words) {
    Map<Long, KernelVma> byStart = HashMap.newHashMap(words.size());
    words.forEach(word -> byStart.put(word.start(), word));
    return byStart;
  }
}
