package stasis.kinds.mapping.hugeshared;

import java.lang.invoke.MethodHandles;
import java.util.Optional;
import java.util.Set;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.mapping.HugePages;
import stasis.kinds.mapping.MapFiles;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Mman;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.linux.abi.RemoteAddress;
import stasis.procfs.VmFlag;
import stasis.resource.Arg;
import stasis.resource.BodyKey;
import stasis.resource.Mapping;
import stasis.resource.MappingKind;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.VmaState;

/// A mapping of shared anonymous memory in huge pages of hugetlbfs, or of part of it. mremap(2) makes no second mapping
/// of such memory: it is opened through the link that `/proc/PID/map_files` has for where the whole lies meanwhile.
public final class HugeShared implements MappingKind<HugeShared.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "mapping.hugeshared", 1);
  private static final String NAME = "/anon_hugepage (deleted)";

  /// @param sizeBytes and @param pageBytes of the body
  record State(@Tag(1) ObjectId body, @Tag(2) long sizeBytes, @Tag(3) long pageBytes) {
    State {
      if (sizeBytes <= 0 || Long.bitCount(pageBytes) != 1 || sizeBytes % pageBytes != 0) {
        throw new IllegalArgumentException("no memory has " + sizeBytes + " bytes in pages of " + pageBytes);
      }
    }
  }

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(Mapping mapping) {
    return mapping.flags().has(VmFlag.HT) && mapping.vma().shared() && mapping.vma().name().equals(NAME)
        && mapping.facts().isPresent();
  }

  @Override
  public String key(Mapping mapping) {
    return mapping.vma().device() + " " + mapping.vma().inode();
  }

  @Override
  public State checkpoint(Mapping mapping) {
    return new State(mapping.body(
        new BodyKey("body.hugeshared", mapping.vma().device().stat(), mapping.vma().inode())),
        mapping.facts().orElseThrow().sizeBytes(), mapping.pageBytes());
  }

  @Override
  public Set<ObjectId> needs(State state) {
    return Set.of(state.body());
  }

  @Override
  public Pages pages(State state) {
    return Pages.NONE;
  }

  @Override
  public Optional<Ref<Fd>> open(State state, Script script, Refs refs) {
    RemoteAddress at = HugePages.in(refs.hole(state.body()), state.pageBytes());
    return Optional.of(script.call(Nr.OPENAT, "body " + state.body() + " to map", Arg.imm(Open.AT_FDCWD),
        Arg.path(MapFiles.own(at, state.sizeBytes())), Arg.imm(Open.O_RDWR | Open.O_CLOEXEC)));
  }

  @Override
  public void map(State state, VmaState vma, int prot, Optional<Ref<Fd>> file, Script script, Refs refs) {
    int noReserve = vma.has(VmFlag.NR.code()) ? Mman.MAP_NORESERVE : 0;
    script.callExpecting(vma.start().bits(), Nr.MMAP, "map body " + state.body(), Arg.address(vma.start()),
        Arg.imm(vma.lengthBytes()), Arg.imm(prot), Arg.imm(Mman.MAP_SHARED | Mman.MAP_FIXED_NOREPLACE | noReserve),
        Arg.result(file.orElseThrow()), Arg.imm(vma.offset()));
  }
}
