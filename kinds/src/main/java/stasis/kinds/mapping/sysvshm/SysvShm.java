package stasis.kinds.mapping.sysvshm;

import java.lang.invoke.MethodHandles;
import java.util.Optional;
import java.util.Set;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.ipc.ShmStat;
import stasis.kinds.mapping.SecondMapping;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Mman;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.procfs.VmFlag;
import stasis.resource.Arg;
import stasis.resource.BodyKey;
import stasis.resource.Mapping;
import stasis.resource.MappingKind;
import stasis.resource.ObstructedException;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.VmaState;

/// An attached System V shared memory segment (shmat(2)), or what munmap(2) and mremap(2) left of it. The segment is a
/// body without an fd, attached elsewhere while the restore goes on; each vma is made as a second mapping of that,
/// which counts as an attach and is found by shmdt(2) like the first (ipc/shm.c, shm_open(), ksys_shmdt()).
public final class SysvShm implements MappingKind<SysvShm.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "mapping.sysvshm", 2);

  /// @param readOnly SHM_RDONLY: mprotect(2) cannot make it writable @param attachBytes of a whole attach: where the
  ///     body's read-only attach begins behind its writable one @param hugeId of a segment in huge pages: its id
  record State(@Tag(1) ObjectId body, @Tag(2) boolean readOnly, @Tag(3) long attachBytes,
      @Tag(4) Optional<Integer> hugeId) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  /// The kernel names the segment's file after its key (ipc/shm.c, newseg()), and gives it the segment's id as inode
  /// number.
  @Override
  public boolean recognises(Mapping mapping) {
    String name = mapping.vma().name();
    return name.startsWith("/SYSV") && mapping.vma().isDeleted() && mapping.vma().shared();
  }

  @Override
  public String key(Mapping mapping) {
    return mapping.vma().device() + " " + mapping.vma().inode() + " " + readOnly(mapping);
  }

  private static boolean readOnly(Mapping mapping) {
    return !mapping.flags().has(VmFlag.SH);
  }

  @Override
  public State checkpoint(Mapping mapping) throws ObstructedException {
    BodyKey key = new BodyKey("body.sysvshm", mapping.vma().device().stat(), mapping.vma().inode());
    long attachBytes = ShmStat.attachBytes(ShmStat.of(mapping).sizeBytes(), mapping.pageBytes());
    boolean huge = mapping.flags().has(VmFlag.HT);
    if (huge && mapping.vma().lengthBytes() != attachBytes) {
      throw new ObstructedException(mapping.subject(),
          "only a part of a System V shared memory segment in huge pages is mapped", "let the program attach it whole");
    }
    return new State(mapping.body(key), readOnly(mapping), attachBytes,
        huge ? Optional.of(ShmStat.id(mapping)) : Optional.empty());
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
    if (state.hugeId().isPresent()) {
      attach(state, state.hugeId().get(), vma, prot, script);
      return;
    }
    RemoteAddress from = refs.hole(state.body()).plus(state.readOnly() ? state.attachBytes() : 0);
    SecondMapping.map(state.body(), from, state.readOnly() ? Mman.PROT_READ : Mman.PROT_READ | Mman.PROT_WRITE, vma,
        prot, script);
  }

  /// mremap(2) makes no second mapping of huge pages.
  private static void attach(State state, int id, VmaState vma, int prot, Script script) {
    int has = state.readOnly() ? Mman.PROT_READ : Mman.PROT_READ | Mman.PROT_WRITE;
    script.callExpecting(vma.start().bits(), Nr.SHMAT, "attach body " + state.body(), Arg.imm(id),
        Arg.address(vma.start()), Arg.imm(state.readOnly() ? ShmStat.SHM_RDONLY : 0));
    if (prot != has) {
      script.call(Nr.MPROTECT, "its protection", Arg.address(vma.start()), Arg.imm(vma.lengthBytes()), Arg.imm(prot));
    }
  }
}
