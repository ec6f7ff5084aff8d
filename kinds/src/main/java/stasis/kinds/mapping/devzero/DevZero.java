package stasis.kinds.mapping.devzero;

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
import stasis.procfs.Device;
import stasis.procfs.FileStat;
import stasis.procfs.VmFlag;
import stasis.resource.Arg;
import stasis.resource.Host;
import stasis.resource.Mapping;
import stasis.resource.MappingKind;
import stasis.resource.Obstacle;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.VmaState;

/// A private mapping of /dev/zero (zero(4)): anonymous memory that keeps its file's name (drivers/char/mem.c,
/// mmap_zero()).
public final class DevZero implements MappingKind<DevZero.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "mapping.devzero", 1);
  private static final Device ZERO = new Device(1, 5);

  /// @param path of the device node
  record State(@Tag(1) PathBytes path) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(Mapping mapping) {
    return !mapping.vma().shared() && !mapping.vma().isDeleted() && mapping.vma().path().isPresent()
        && mapping.facts().filter(DevZero::isZero).isPresent();
  }

  private static boolean isZero(FileStat facts) {
    return facts.type() == FileStat.S_IFCHR && facts.rdev().equals(ZERO);
  }

  @Override
  public String key(Mapping mapping) {
    return mapping.vma().name();
  }

  @Override
  public State checkpoint(Mapping mapping) {
    return new State(mapping.vma().path().orElseThrow());
  }

  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    return host.file(state.path()).filter(DevZero::isZero).isPresent() ? List.of()
        : List.of(new Obstacle.HostLacks(state.path().toString(), "it is not the zero device here",
            "create it: mknod " + state.path() + " c 1 5"));
  }

  @Override
  public Pages pages(State state) {
    return Pages.PRIVATE;
  }

  @Override
  public Optional<Ref<Fd>> open(State state, Script script, Refs refs) {
    return Optional.of(script.call(Nr.OPENAT, "zero device to map", Arg.imm(Open.AT_FDCWD), Arg.path(state.path()),
        Arg.imm(Open.O_RDONLY | Open.O_CLOEXEC)));
  }

  @Override
  public void map(State state, VmaState vma, int prot, Optional<Ref<Fd>> file, Script script, Refs refs) {
    int noReserve = vma.has(VmFlag.NR.code()) ? Mman.MAP_NORESERVE : 0;
    script.callExpecting(vma.start().bits(), Nr.MMAP, "map " + state.path(), Arg.address(vma.start()),
        Arg.imm(vma.lengthBytes()), Arg.imm(prot), Arg.imm(Mman.MAP_PRIVATE | Mman.MAP_FIXED_NOREPLACE | noReserve),
        Arg.result(file.orElseThrow()), Arg.imm(vma.offset()));
  }
}
