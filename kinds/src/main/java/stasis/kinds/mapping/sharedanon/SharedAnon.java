package stasis.kinds.mapping.sharedanon;

import java.lang.invoke.MethodHandles;
import java.util.Optional;
import java.util.Set;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Mman;
import stasis.linux.abi.Nr;
import stasis.procfs.VmFlag;
import stasis.resource.Arg;
import stasis.resource.BodyKey;
import stasis.resource.Mapping;
import stasis.resource.MappingKind;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.VmaState;

/// A mapping of shared anonymous memory, or of part of it. The memory is a body without an fd: its whole lies mapped
/// elsewhere while the restore goes on, and each vma is made as a second mapping of that one.
public final class SharedAnon implements MappingKind<SharedAnon.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "mapping.sharedanon", 1);

  record State(@Tag(1) ObjectId body) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  /// The kernel gives such memory a file of its own tmpfs, named after the device that once did this (mm/shmem.c,
  /// shmem_zero_setup()); an anon_vma_name hides that name.
  @Override
  public boolean recognises(Mapping mapping) {
    String name = mapping.vma().name();
    return mapping.vma().shared() && !mapping.flags().has(VmFlag.HT)
        && (name.equals("/dev/zero (deleted)") || name.startsWith("[anon_shmem:"));
  }

  @Override
  public String key(Mapping mapping) {
    return mapping.vma().device() + " " + mapping.vma().inode();
  }

  @Override
  public State checkpoint(Mapping mapping) {
    return new State(mapping.body(
        new BodyKey("body.sharedanon", mapping.vma().device().stat(), mapping.vma().inode())));
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
    return Optional.empty();
  }

  /// mremap(2) with an old size of 0 makes a second mapping of shared pages, but knows no MAP_FIXED_NOREPLACE: so the
  /// place is first taken by a mapping that does.
  @Override
  public void map(State state, VmaState vma, int prot, Optional<Ref<Fd>> file, Script script, Refs refs) {
    Arg at = Arg.address(vma.start());
    Arg length = Arg.imm(vma.lengthBytes());
    script.callExpecting(vma.start().bits(), Nr.MMAP, "take the place of shared memory", at, length,
        Arg.imm(Mman.PROT_NONE),
        Arg.imm(Mman.MAP_PRIVATE | Mman.MAP_ANONYMOUS | Mman.MAP_NORESERVE | Mman.MAP_FIXED_NOREPLACE), Arg.imm(-1),
        Arg.imm(0));
    script.callExpecting(vma.start().bits(), Nr.MREMAP, "map body " + state.body() + " there too",
        Arg.address(refs.hole(state.body()).plus(vma.offset())), Arg.imm(0), length,
        Arg.imm(Mman.MREMAP_MAYMOVE | Mman.MREMAP_FIXED), at);
    if (prot != (Mman.PROT_READ | Mman.PROT_WRITE)) {
      script.call(Nr.MPROTECT, "its protection", at, length, Arg.imm(prot));
    }
  }
}
