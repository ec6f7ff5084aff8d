package stasis.kinds.mapping.hugeanon;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.mapping.HugePages;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Mman;
import stasis.linux.abi.Nr;
import stasis.procfs.Maps;
import stasis.procfs.VmFlag;
import stasis.procfs.Vma;
import stasis.resource.Arg;
import stasis.resource.FrozenGroup;
import stasis.resource.Loss;
import stasis.resource.Mapping;
import stasis.resource.MappingKind;
import stasis.resource.ObstructedException;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.VmaState;

/// Private anonymous memory in huge pages of hugetlbfs (MAP_PRIVATE|MAP_ANONYMOUS|MAP_HUGETLB). The kernel gives each
/// such mapping a file of its own, and reserves its pages.
public final class HugeAnonymous implements MappingKind<HugeAnonymous.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "mapping.hugeanon", 1);
  private static final String NAME = "/anon_hugepage (deleted)";

  /// @param parted whether a neighbour is another part of the same mapping, unlike it by protection or advice
  record State(@Tag(1) long pageBytes, @Tag(2) boolean parted) {
    State {
      if (Long.bitCount(pageBytes) != 1) {
        throw new IllegalArgumentException("no page has " + pageBytes + " bytes");
      }
    }
  }

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(Mapping mapping) {
    return mapping.flags().has(VmFlag.HT) && !mapping.vma().shared() && mapping.vma().name().equals(NAME)
        && mapping.group().tree().stream().noneMatch(group -> isShared(group, mapping.vma()));
  }

  /// Whether what the vma is a private view of is shared memory of that group: it has pages that are not its own then.
  private static boolean isShared(FrozenGroup group, Vma vma) {
    try {
      return Maps.parse(group.proc("maps").orElse("")).vmas().stream().anyMatch(other -> other.shared()
          && other.inode() == vma.inode() && other.device().equals(vma.device()));
    } catch (ObstructedException e) {
      // Its memory is nobody's any more.
      return false;
    }
  }

  @Override
  public String key(Mapping mapping) {
    return mapping.pageBytes() + " " + isParted(mapping);
  }

  @Override
  public State checkpoint(Mapping mapping) {
    return new State(mapping.pageBytes(), isParted(mapping));
  }

  private static boolean isParted(Mapping mapping) {
    return Stream.of(mapping.before(), mapping.after()).flatMap(Optional::stream).map(Mapping::vma)
        .anyMatch(other -> other.inode() == mapping.vma().inode() && other.device().equals(mapping.vma().device()));
  }

  @Override
  public List<Loss> losses(State state) {
    return state.parted() ? List.of(Loss.of("parts of one mapping in huge pages come back as a mapping each, with "
        + "inode numbers of their own: they do not become one vma again")) : List.of();
  }

  @Override
  public Pages pages(State state) {
    return Pages.PRIVATE;
  }

  @Override
  public Optional<Ref<Fd>> open(State state, Script script, Refs refs) {
    return Optional.empty();
  }

  /// The offset is that in the mapping's file: behind a part that was unmapped it is not 0.
  @Override
  public void map(State state, VmaState vma, int prot, Optional<Ref<Fd>> file, Script script, Refs refs) {
    int flags = Mman.MAP_PRIVATE | Mman.MAP_ANONYMOUS | Mman.MAP_HUGETLB | HugePages.flag(state.pageBytes())
        | Mman.MAP_FIXED_NOREPLACE | (vma.has(VmFlag.NR.code()) ? Mman.MAP_NORESERVE : 0);
    script.callExpecting(vma.start().bits(), Nr.MMAP, "map " + HugePages.name(state.pageBytes()),
        Arg.address(vma.start()), Arg.imm(vma.lengthBytes()), Arg.imm(prot), Arg.imm(flags), Arg.imm(-1),
        Arg.imm(vma.offset()));
  }
}
