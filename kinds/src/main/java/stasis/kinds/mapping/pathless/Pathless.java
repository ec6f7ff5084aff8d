package stasis.kinds.mapping.pathless;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Mman;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.procfs.FileStat;
import stasis.procfs.VmFlag;
import stasis.resource.Arg;
import stasis.resource.BodyKey;
import stasis.resource.Mapping;
import stasis.resource.MappingKind;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.VmaState;

/// A mapping of a file that no path leads to: a memfd, or a file deleted since. The file is a body, which other
/// mappings and descriptors may share.
public final class Pathless implements MappingKind<Pathless.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "mapping.pathless", 1);
  private static final String MEMFD = "/memfd:";
  /// Kernel-made files that print like deleted ones (mm/shmem.c, fs/hugetlbfs, ipc/shm.c, mm/secretmem.c, fs/aio.c).
  private static final List<String> NOT_FILES =
      List.of("/dev/zero (deleted)", "/anon_hugepage", "/SYSV", "/secretmem", "/[aio]", "/dmabuf:");

  /// @param shared MAP_SHARED @param writable whether a shared mapping was made through a description open for writing
  record State(@Tag(1) ObjectId body, @Tag(2) boolean shared, @Tag(3) boolean writable) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(Mapping mapping) {
    String name = mapping.vma().name();
    return mapping.vma().isDeleted() && (!mapping.flags().has(VmFlag.HT) || name.startsWith(MEMFD))
        && NOT_FILES.stream().noneMatch(name::startsWith)
        && mapping.facts().filter(facts -> facts.type() != FileStat.S_IFREG || facts.links() > 0).isEmpty();
  }

  @Override
  public String key(Mapping mapping) {
    return mapping.vma().device() + " " + mapping.vma().inode() + " " + mapping.vma().shared() + " "
        + writable(mapping);
  }

  private static boolean writable(Mapping mapping) {
    return mapping.flags().has(VmFlag.SH);
  }

  @Override
  public State checkpoint(Mapping mapping) {
    String kind = mapping.vma().name().startsWith(MEMFD) ? "body.memfd" : "body.deleted";
    BodyKey key = new BodyKey(kind, mapping.vma().device().stat(), mapping.vma().inode());
    return new State(mapping.body(key), mapping.vma().shared(), writable(mapping));
  }

  @Override
  public Set<ObjectId> needs(State state) {
    return Set.of(state.body());
  }

  @Override
  public Pages pages(State state) {
    return state.shared() ? Pages.NONE : Pages.PRIVATE;
  }

  /// A description of its own, because the access mode decides what the mapping may become (VM_MAYWRITE).
  @Override
  public Optional<Ref<Fd>> open(State state, Script script, Refs refs) {
    int mode = state.writable() ? Open.O_RDWR : Open.O_RDONLY;
    return Optional.of(script.call(Nr.OPENAT, "body " + state.body() + " to map", Arg.imm(Open.AT_FDCWD),
        Arg.path(refs.path(state.body())), Arg.imm(mode | Open.O_CLOEXEC)));
  }

  @Override
  public void map(State state, VmaState vma, int prot, Optional<Ref<Fd>> file, Script script, Refs refs) {
    int flags = (state.shared() ? Mman.MAP_SHARED : Mman.MAP_PRIVATE) | Mman.MAP_FIXED_NOREPLACE
        | (vma.has(VmFlag.NR.code()) ? Mman.MAP_NORESERVE : 0);
    script.callExpecting(vma.start().bits(), Nr.MMAP, "map body " + state.body(), Arg.address(vma.start()),
        Arg.imm(vma.lengthBytes()), Arg.imm(prot), Arg.imm(flags), Arg.result(file.orElseThrow()),
        Arg.imm(vma.offset()));
  }
}
