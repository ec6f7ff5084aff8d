package stasis.kinds.mapping.sharedanon;

import java.lang.invoke.MethodHandles;
import java.util.Optional;
import java.util.Set;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.mapping.SecondMapping;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Mman;
import stasis.procfs.VmFlag;
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

  @Override
  public void map(State state, VmaState vma, int prot, Optional<Ref<Fd>> file, Script script, Refs refs) {
    SecondMapping.map(state.body(), refs.hole(state.body()), Mman.PROT_READ | Mman.PROT_WRITE, vma, prot, script);
  }
}
