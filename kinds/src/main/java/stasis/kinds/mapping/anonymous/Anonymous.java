package stasis.kinds.mapping.anonymous;

import java.lang.invoke.MethodHandles;
import java.util.Optional;
import stasis.image.Schema;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Mman;
import stasis.linux.abi.Nr;
import stasis.procfs.VmFlag;
import stasis.resource.Arg;
import stasis.resource.Mapping;
import stasis.resource.MappingKind;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.VmaState;

/// Private memory without a file: heap, stacks, MAP_PRIVATE|MAP_ANONYMOUS, MAP_DROPPABLE. What differs between such
/// vmas is all in their VmFlags.
public final class Anonymous implements MappingKind<Anonymous.State> {
  private static final Schema<State> SCHEMA =
      Schema.of(MethodHandles.lookup(), State.class, "mapping.anonymous", 1);

  private static final long PAGE_BYTES = 4096;

  record State() {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(Mapping mapping) {
    return mapping.vma().isAnonymous() && !mapping.vma().shared() && !mapping.flags().has(VmFlag.HT);
  }

  @Override
  public String key(Mapping mapping) {
    return "";
  }

  @Override
  public State checkpoint(Mapping mapping) {
    return new State();
  }

  @Override
  public Pages pages(State state) {
    return Pages.PRIVATE;
  }

  @Override
  public boolean mayBeFilledLate() {
    return true;
  }

  @Override
  public Optional<Ref<Fd>> open(State state, Script script, Refs refs) {
    return Optional.empty();
  }

  @Override
  public void map(State state, VmaState vma, int prot, Optional<Ref<Fd>> file, Script script, Refs refs) {
    script.callExpecting(vma.start().bits(), Nr.MMAP, "map private memory", Arg.address(vma.start()),
        Arg.imm(vma.lengthBytes()), Arg.imm(prot), Arg.imm(flags(vma)), Arg.imm(-1), Arg.imm(0));
    if (vma.has(VmFlag.AC.code()) && (vma.prot() & Mman.PROT_WRITE) == 0) {
      keepAccounted(vma, script);
    }
  }

  /// Memory that becomes unwritable is accounted no more, unless it has an anon_vma by then (mm/mprotect.c,
  /// mprotect_fixup()). Writing one page gives it one; the page itself may go again.
  private static void keepAccounted(VmaState vma, Script script) {
    script.call(Nr.MADVISE, "touched, so that it stays accounted", Arg.address(vma.start()), Arg.imm(PAGE_BYTES),
        Arg.imm(Mman.MADV_POPULATE_WRITE));
    script.call(Nr.MADVISE, "the touched page is dropped again", Arg.address(vma.start()), Arg.imm(PAGE_BYTES),
        Arg.imm(Mman.MADV_DONTNEED));
  }

  /// MAP_DROPPABLE brings VM_NORESERVE, VM_WIPEONFORK and VM_DONTDUMP along (mm/mmap.c, do_mmap()). MAP_STACK is left
  /// to the aspect that replays `nh`, which is all it does (include/linux/mman.h, calc_vm_flag_bits()).
  private static int flags(VmaState vma) {
    int flags = Mman.MAP_ANONYMOUS | Mman.MAP_FIXED_NOREPLACE;
    if (vma.has(VmFlag.DP.code())) {
      return flags | Mman.MAP_DROPPABLE;
    }
    return flags | Mman.MAP_PRIVATE
        | (vma.has(VmFlag.NR.code()) ? Mman.MAP_NORESERVE : 0)
        | (vma.has(VmFlag.GD.code()) ? Mman.MAP_GROWSDOWN : 0);
  }
}
