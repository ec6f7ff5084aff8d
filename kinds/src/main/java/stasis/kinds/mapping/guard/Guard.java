package stasis.kinds.mapping.guard;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Mman;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.procfs.VmFlag;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.Extent;
import stasis.resource.Mapping;
import stasis.resource.MappingAspect;
import stasis.resource.Script;
import stasis.resource.VmaState;

/// Guard regions (MADV_GUARD_INSTALL of madvise(2)): page-table markers inside a vma that make an access fail.
public final class Guard implements MappingAspect<Guard.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "mapping.guard", 1);
  private static final long PAGE_BYTES = 4096;

  record State(@Tag(1) List<Extent> regions) {
    State {
      regions = List.copyOf(regions);
    }
  }

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public Optional<State> checkpoint(Mapping mapping, Answers answers) {
    List<Extent> regions = mapping.guards();
    return regions.isEmpty() ? Optional.empty() : Optional.of(new State(regions));
  }

  /// VM_MAYBE_GUARD stays set when the last region is removed, and keeps vmas from looking alike; so it is made to
  /// stay. Before the fill, because installing drops the page.
  @Override
  public void mapped(Optional<State> state, VmaState vma, Script script) {
    if (vma.has(VmFlag.GU.code()) && state.isEmpty()) {
      install(vma.start(), PAGE_BYTES, "had guard regions once", script);
      script.call(Nr.MADVISE, "but has none now", Arg.address(vma.start()), Arg.imm(PAGE_BYTES),
          Arg.imm(Mman.MADV_GUARD_REMOVE));
    }
  }

  @Override
  public void restore(Optional<State> state, VmaState vma, Script script) {
    state.map(State::regions).orElse(List.of())
        .forEach(region -> install(region.start(), region.lengthBytes(), "guard region", script));
  }

  private static void install(RemoteAddress start, long lengthBytes, String why, Script script) {
    script.call(Nr.MADVISE, why, Arg.address(start), Arg.imm(lengthBytes), Arg.imm(Mman.MADV_GUARD_INSTALL));
  }
}
