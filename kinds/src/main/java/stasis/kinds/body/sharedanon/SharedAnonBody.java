package stasis.kinds.body.sharedanon;

import java.lang.invoke.MethodHandles;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Mman;
import stasis.linux.abi.Nr;
import stasis.procfs.FileStat;
import stasis.procfs.VmFlag;
import stasis.procfs.Vma;
import stasis.resource.Arg;
import stasis.resource.BodyKind;
import stasis.resource.BodyView;
import stasis.resource.Loss;
import stasis.resource.Mapping;
import stasis.resource.OpenFile;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// Shared anonymous memory (MAP_SHARED|MAP_ANONYMOUS), whole: also what no vma shows any more, because a vma can be
/// extended over it again by mremap(2).
public final class SharedAnonBody implements BodyKind<SharedAnonBody.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "body.sharedanon", 1);
  private static final long PAGE_BYTES = 4096;

  /// @param noReserve MAP_NORESERVE @param unseenBytes of it that no vma shows and that could not be read
  record State(@Tag(1) long sizeBytes, @Tag(2) boolean noReserve, @Tag(3) long unseenBytes) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public State checkpoint(BodyView body) {
    // Who has it open, or mapped privately, sees where it ends, and may look at it.
    Optional<FileStat> seen = Stream.concat(body.files().stream().map(OpenFile::facts), body.mappings().stream()
        .filter(mapping -> !mapping.vma().shared()).flatMap(mapping -> mapping.facts().stream())).findFirst();
    if (seen.isPresent()) {
      boolean noReserve = body.mappings().stream().anyMatch(m -> m.vma().shared() && m.flags().has(VmFlag.NR));
      return new State(pages(seen.get().sizeBytes()), noReserve, 0);
    }
    return ofMappings(body);
  }

  private static State ofMappings(BodyView body) {
    List<Vma> vmas = body.mappings().stream().map(Mapping::vma).sorted(Comparator.comparingLong(Vma::offset)).toList();
    long end = 0;
    long unseen = 0;
    for (Vma vma : vmas) {
      unseen += Math.max(0, vma.offset() - end);
      end = Math.max(end, vma.offset() + vma.lengthBytes());
    }
    Mapping first = body.mappings().getFirst();
    boolean noReserve = first.flags().has(VmFlag.NR);
    long mappedEnd = end;
    long seenGaps = unseen;
    // Who may stat the inode through map_files may also read it whole.
    return first.facts().map(facts -> new State(Math.max(mappedEnd, pages(facts.sizeBytes())), noReserve, 0))
        .orElse(new State(mappedEnd, noReserve, seenGaps));
  }

  private static long pages(long bytes) {
    return (bytes + PAGE_BYTES - 1) & -PAGE_BYTES;
  }

  @Override
  public List<Loss> losses(State state) {
    return state.unseenBytes() == 0 ? List.of()
        : List.of(new Loss(state.unseenBytes() + " bytes of shared memory that nothing maps now become zero",
            "run with CAP_CHECKPOINT_RESTORE"));
  }

  @Override
  public Contents contents(State state) {
    return Contents.MEMORY;
  }

  @Override
  public long holeBytes(State state) {
    return state.sizeBytes();
  }

  @Override
  public Ref<?> restore(State state, ObjectId self, Script script, Refs refs) {
    int noReserve = state.noReserve() ? Mman.MAP_NORESERVE : 0;
    Ref<?> at = script.callExpecting(refs.hole(self).bits(), Nr.MMAP, "shared memory " + self,
        Arg.address(refs.hole(self)), Arg.imm(state.sizeBytes()), Arg.imm(Mman.PROT_READ | Mman.PROT_WRITE),
        Arg.imm(Mman.MAP_SHARED | Mman.MAP_ANONYMOUS | Mman.MAP_FIXED_NOREPLACE | noReserve), Arg.imm(-1), Arg.imm(0));
    script.fill(self, 0, state.sizeBytes(), refs.hole(self), "contents of shared memory");
    return at;
  }
}
