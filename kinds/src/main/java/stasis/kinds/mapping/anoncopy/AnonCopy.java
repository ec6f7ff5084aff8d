package stasis.kinds.mapping.anoncopy;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.mapping.MapFiles;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Mman;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.procfs.FileStat;
import stasis.procfs.VmFlag;
import stasis.resource.Arg;
import stasis.resource.BodyKey;
import stasis.resource.Host;
import stasis.resource.Mapping;
import stasis.resource.MappingKind;
import stasis.resource.Obstacle;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.VmaState;

/// A private mapping of memory that was made shared and anonymous, as a program makes one of what it opened through
/// `/proc/PID/map_files`: what it has written is its own, the rest is still everybody's.
public final class AnonCopy implements MappingKind<AnonCopy.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "mapping.anoncopy", 1);
  private static final String NAME = "/dev/zero (deleted)";
  private static final long PAGE_BYTES = 4096;

  /// @param sizeBytes of the body, whole pages
  record State(@Tag(1) ObjectId body, @Tag(2) long sizeBytes) {
    State {
      if (sizeBytes <= 0 || sizeBytes % PAGE_BYTES != 0) {
        throw new IllegalArgumentException("no memory has " + sizeBytes + " bytes");
      }
    }
  }

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  /// Who sees its inode may open it as well.
  @Override
  public boolean recognises(Mapping mapping) {
    return !mapping.vma().shared() && mapping.vma().name().equals(NAME) && mapping.facts()
        .filter(facts -> facts.type() == FileStat.S_IFREG && facts.links() == 0 && facts.sizeBytes() > 0).isPresent();
  }

  @Override
  public String key(Mapping mapping) {
    return mapping.vma().device() + " " + mapping.vma().inode();
  }

  @Override
  public State checkpoint(Mapping mapping) {
    BodyKey key = new BodyKey("body.sharedanon", mapping.vma().device().stat(), mapping.vma().inode());
    return new State(mapping.body(key),
        mapping.facts().orElseThrow().sizeBytes() + PAGE_BYTES - 1 & -PAGE_BYTES);
  }

  @Override
  public Set<ObjectId> needs(State state) {
    return Set.of(state.body());
  }

  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    return MapFiles.obstacles("private mapping of shared memory " + state.body(), host);
  }

  @Override
  public Pages pages(State state) {
    return Pages.PRIVATE;
  }

  @Override
  public Optional<Ref<Fd>> open(State state, Script script, Refs refs) {
    return Optional.of(script.call(Nr.OPENAT, "body " + state.body() + " to map", Arg.imm(Open.AT_FDCWD),
        Arg.path(MapFiles.own(refs.hole(state.body()), state.sizeBytes())), Arg.imm(Open.O_RDONLY | Open.O_CLOEXEC)));
  }

  @Override
  public void map(State state, VmaState vma, int prot, Optional<Ref<Fd>> file, Script script, Refs refs) {
    int noReserve = vma.has(VmFlag.NR.code()) ? Mman.MAP_NORESERVE : 0;
    script.callExpecting(vma.start().bits(), Nr.MMAP, "map body " + state.body(), Arg.address(vma.start()),
        Arg.imm(vma.lengthBytes()), Arg.imm(prot), Arg.imm(Mman.MAP_PRIVATE | Mman.MAP_FIXED_NOREPLACE | noReserve),
        Arg.result(file.orElseThrow()), Arg.imm(vma.offset()));
  }
}
