package stasis.kinds.mapping.apart;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Mman;
import stasis.linux.abi.Nr;
import stasis.procfs.FileStat;
import stasis.procfs.VmFlag;
import stasis.procfs.VmFlags;
import stasis.procfs.Vma;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.Loss;
import stasis.resource.Mapping;
import stasis.resource.MappingAspect;
import stasis.resource.Script;
import stasis.resource.VmaState;

/// Neighbours that look alike and yet are two vmas, as fork(2) and mremap(2) leave them: mapped one after the other,
/// the kernel would make them one. It keeps apart vmas whose private pages hang on different anon_vmas (mm/vma.c,
/// is_mergeable_anon_vma()), so each gets one of its own while, for that moment, it does not look like its neighbour.
public final class Apart implements MappingAspect<Apart.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "mapping.apart", 1);
  private static final long PAGE_BYTES = 4096;
  /// Flags by which the kernel does not tell vmas apart (VM_IGNORE_MERGE, VM_STICKY of include/linux/mm.h).
  private static final long IGNORED = VmFlags.of(VmFlag.SD, VmFlag.GU).bits();
  private static final long NEVER_MERGED =
      VmFlags.of(VmFlag.IO, VmFlag.PF, VmFlag.DE, VmFlag.MM, VmFlag.GD, VmFlag.HT).bits();

  /// @param kept false when the first page cannot be touched, so that the vma may become one with a neighbour
  record State(@Tag(1) boolean kept) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public Optional<State> checkpoint(Mapping mapping, Answers answers) {
    boolean alike = mapping.before().filter(before -> alike(before, mapping)).isPresent()
        || mapping.after().filter(after -> alike(mapping, after)).isPresent();
    return alike ? Optional.of(new State(touchable(mapping))) : Optional.empty();
  }

  private static boolean alike(Mapping low, Mapping high) {
    Vma first = low.vma();
    Vma second = high.vma();
    return first.end() == second.start() && first.protection() == second.protection()
        && first.shared() == second.shared()
        && (low.flags().bits() & ~IGNORED) == (high.flags().bits() & ~IGNORED)
        && (low.flags().bits() & NEVER_MERGED) == 0
        && sameBacking(first, second) && low.policy().equals(high.policy());
  }

  private static boolean sameBacking(Vma first, Vma second) {
    if (first.inode() != second.inode() || !first.device().equals(second.device())) {
      return false;
    }
    // [heap] and [stack] are labels, a name given by PR_SET_VMA is an attribute.
    return first.anonName().equals(second.anonName())
        && (first.inode() == 0 ? first.isAnonymous() && second.isAnonymous()
            : first.offset() + first.lengthBytes() == second.offset());
  }

  /// A page beyond the end of its file cannot be had; shared memory has no anon_vma.
  private static boolean touchable(Mapping mapping) {
    return !mapping.vma().shared() && (mapping.vma().inode() == 0
        || mapping.facts().map(FileStat::sizeBytes).filter(size -> mapping.vma().offset() < size).isPresent());
  }

  @Override
  public List<Loss> losses(State state) {
    return state.kept() ? List.of() : List.of(Loss.of("becomes one vma with its neighbour"));
  }

  @Override
  public void mapped(Optional<State> state, VmaState vma, Script script) {
    if (state.filter(State::kept).isPresent()) {
      script.poke(vma.start(), Bytes.zeros(1), "touched, so that it has its own anon_vma");
      script.call(Nr.MADVISE, "the touched page is dropped again", Arg.address(vma.start()), Arg.imm(PAGE_BYTES),
          Arg.imm(Mman.MADV_DONTNEED));
      script.call(Nr.MADVISE, "looks unlike the next vma for now", Arg.address(vma.start()),
          Arg.imm(vma.lengthBytes()), Arg.imm(Mman.MADV_RANDOM));
    }
  }

  /// Whatever advice the vma has lasts: the flag is taken back only where it has none of the sort.
  @Override
  public void restore(Optional<State> state, VmaState vma, Script script) {
    boolean advised = vma.has(VmFlag.RR.code()) || vma.has(VmFlag.SR.code());
    if (state.filter(State::kept).isPresent() && !advised) {
      script.call(Nr.MADVISE, "looks as it did", Arg.address(vma.start()), Arg.imm(vma.lengthBytes()),
          Arg.imm(Mman.MADV_NORMAL));
    }
  }
}
