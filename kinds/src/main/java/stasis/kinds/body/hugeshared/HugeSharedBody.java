package stasis.kinds.body.hugeshared;

import java.lang.invoke.MethodHandles;
import java.util.List;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.mapping.HugePages;
import stasis.kinds.mapping.MapFiles;
import stasis.linux.abi.Mman;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.procfs.VmFlag;
import stasis.resource.Arg;
import stasis.resource.BodyKind;
import stasis.resource.BodyView;
import stasis.resource.Host;
import stasis.resource.Mapping;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// Shared anonymous memory in huge pages of hugetlbfs (MAP_SHARED|MAP_ANONYMOUS|MAP_HUGETLB), whole.
public final class HugeSharedBody implements BodyKind<HugeSharedBody.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "body.hugeshared", 1);

  /// @param noReserve MAP_NORESERVE
  record State(@Tag(1) long sizeBytes, @Tag(2) long pageBytes, @Tag(3) boolean noReserve) {
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
  public State checkpoint(BodyView body) throws ObstructedException {
    Mapping first = body.mappings().getFirst();
    return new State(first.facts().orElseThrow(() -> new ObstructedException(body.subject(),
        "its size cannot be told", "run with CAP_CHECKPOINT_RESTORE")).sizeBytes(), first.pageBytes(),
        first.flags().has(VmFlag.NR));
  }

  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    return MapFiles.obstacles("shared memory in " + HugePages.name(state.pageBytes()), host);
  }

  @Override
  public Contents contents(State state) {
    return Contents.MEMORY;
  }

  @Override
  public long holeBytes(State state) {
    return HugePages.holeBytes(state.sizeBytes(), state.pageBytes());
  }

  @Override
  public Ref<?> restore(State state, ObjectId self, Script script, Refs refs) {
    RemoteAddress place = HugePages.in(refs.hole(self), state.pageBytes());
    int noReserve = state.noReserve() ? Mman.MAP_NORESERVE : 0;
    Ref<?> at = script.callExpecting(place.bits(), Nr.MMAP, "shared memory " + self + " in "
            + HugePages.name(state.pageBytes()), Arg.address(place), Arg.imm(state.sizeBytes()),
        Arg.imm(Mman.PROT_READ | Mman.PROT_WRITE), Arg.imm(Mman.MAP_SHARED | Mman.MAP_ANONYMOUS | Mman.MAP_HUGETLB
            | HugePages.flag(state.pageBytes()) | Mman.MAP_FIXED_NOREPLACE | noReserve), Arg.imm(-1), Arg.imm(0));
    script.fill(self, 0, state.sizeBytes(), place, "contents of shared memory");
    return at;
  }
}
