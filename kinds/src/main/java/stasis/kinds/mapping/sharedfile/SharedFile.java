package stasis.kinds.mapping.sharedfile;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Mman;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FileStat;
import stasis.procfs.VmFlag;
import stasis.resource.Arg;
import stasis.resource.Host;
import stasis.resource.HostFile;
import stasis.resource.Mapping;
import stasis.resource.MappingKind;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.VmaState;

/// A MAP_SHARED mapping of a regular file that still has its path. What is written there is written to the file, so the
/// contents are the file's and none are stored; it may have changed and grown since, but not shrunk.
public final class SharedFile implements MappingKind<SharedFile.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "mapping.sharedfile", 1);

  /// @param device st_dev and @param inode st_ino, told only @param writable whether the file was open for writing
  ///     when it was mapped: VM_SHARED, not only VM_MAYSHARE (mm/mmap.c, do_mmap())
  record State(@Tag(1) PathBytes path, @Tag(2) long device, @Tag(3) long inode, @Tag(4) long sizeBytes,
      @Tag(5) boolean writable) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(Mapping mapping) {
    return mapping.vma().shared() && !mapping.vma().isDeleted() && mapping.vma().path().isPresent()
        && mapping.facts().filter(facts -> facts.type() == FileStat.S_IFREG && facts.links() > 0).isPresent();
  }

  @Override
  public String key(Mapping mapping) {
    return mapping.vma().device() + " " + mapping.vma().inode() + " " + writable(mapping) + " " + mapping.vma().name();
  }

  private static boolean writable(Mapping mapping) {
    return mapping.flags().has(VmFlag.SH);
  }

  @Override
  public State checkpoint(Mapping mapping) {
    FileStat facts = mapping.facts().orElseThrow();
    return new State(mapping.vma().path().orElseThrow(), facts.device().stat(), facts.inode(), facts.sizeBytes(),
        writable(mapping));
  }

  @Override
  public State settle(State state, List<VmaState> vmas, Host host) throws ObstructedException {
    Optional<FileStat> now = host.file(state.path());
    if (now.filter(f -> f.inode() == state.inode() && f.device().stat() == state.device()).isEmpty()) {
      throw new ObstructedException(new Obstacle.Changed("shared mapping of " + state.path(), "inode " + state.inode(),
          now.map(facts -> "inode " + facts.inode()).orElse("nothing"), "its path must lead to the mapped file"));
    }
    return state;
  }

  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    Optional<FileStat> found = host.file(state.path());
    return found.filter(f -> f.type() == FileStat.S_IFREG && f.sizeBytes() >= state.sizeBytes()).isPresent() ? List.of()
        : List.of(new Obstacle.Changed("shared mapping of " + state.path(),
            "a file of at least " + state.sizeBytes() + " bytes",
            found.map(facts -> facts.sizeBytes() + " bytes").orElse("nothing"), "put the file back"));
  }

  @Override
  public List<HostFile> hostFiles(State state) {
    return List.of(new HostFile(state.path(), state.writable()));
  }

  @Override
  public Pages pages(State state) {
    return Pages.NONE;
  }

  @Override
  public Optional<Ref<Fd>> open(State state, Script script, Refs refs) {
    int mode = state.writable() ? Open.O_RDWR : Open.O_RDONLY;
    return Optional.of(script.call(Nr.OPENAT, "file to map shared", Arg.imm(Open.AT_FDCWD), Arg.path(state.path()),
        Arg.imm(mode | Open.O_CLOEXEC)));
  }

  @Override
  public void map(State state, VmaState vma, int prot, Optional<Ref<Fd>> file, Script script, Refs refs) {
    int noReserve = vma.has(VmFlag.NR.code()) ? Mman.MAP_NORESERVE : 0;
    script.callExpecting(vma.start().bits(), Nr.MMAP, "map " + state.path() + " shared", Arg.address(vma.start()),
        Arg.imm(vma.lengthBytes()), Arg.imm(prot), Arg.imm(Mman.MAP_SHARED | Mman.MAP_FIXED_NOREPLACE | noReserve),
        Arg.result(file.orElseThrow()), Arg.imm(vma.offset()));
  }
}
