package stasis.kinds.mapping.advice;

import java.lang.invoke.MethodHandles;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import stasis.image.Schema;
import stasis.linux.abi.Mman;
import stasis.linux.abi.Nr;
import stasis.procfs.VmFlag;
import stasis.procfs.VmFlags;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.Mapping;
import stasis.resource.MappingAspect;
import stasis.resource.ObstructedException;
import stasis.resource.Script;
import stasis.resource.VmaState;

/// What madvise(2) said of a vma, replayed from its VmFlags; and the refusal of flags that nothing here replays.
public final class Advice implements MappingAspect<Advice.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "mapping.advice", 1);

  /// Nothing beyond [VmaState]; never stored.
  record State() {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  private static Map<VmFlag, Integer> adviceByFlag() {
    var advice = new EnumMap<VmFlag, Integer>(VmFlag.class);
    advice.put(VmFlag.SR, Mman.MADV_SEQUENTIAL);
    advice.put(VmFlag.RR, Mman.MADV_RANDOM);
    advice.put(VmFlag.DC, Mman.MADV_DONTFORK);
    advice.put(VmFlag.DD, Mman.MADV_DONTDUMP);
    advice.put(VmFlag.WF, Mman.MADV_WIPEONFORK);
    advice.put(VmFlag.MG, Mman.MADV_MERGEABLE);
    advice.put(VmFlag.HG, Mman.MADV_HUGEPAGE);
    advice.put(VmFlag.NH, Mman.MADV_NOHUGEPAGE);
    return advice;
  }

  @Override
  public Optional<State> checkpoint(Mapping mapping, Answers answers) throws ObstructedException {
    VmFlags flags = mapping.flags();
    if (!flags.unknown().isEmpty()) {
      throw new ObstructedException(mapping.subject(), "it has VmFlags that we do not know: " + flags.unknown(), "");
    }
    if (flags.has(VmFlag.SS)) {
      throw new ObstructedException(mapping.subject(), "it is a shadow stack",
          "run the program without user shadow stacks (GLIBC_TUNABLES=glibc.cpu.x86_shstk=off)");
    }
    if (flags.has(VmFlag.SF)) {
      throw new ObstructedException(mapping.subject(), "it is mapped with MAP_SYNC", "map it without");
    }
    if (flags.has(VmFlag.MT) || flags.has(VmFlag.BT) || flags.has(VmFlag.AR)) {
      throw new ObstructedException(mapping.subject(), "it has architecture-specific rights: " + flags, "");
    }
    if (!special(flags.has(VmFlag.PF), flags.has(VmFlag.IO), flags.has(VmFlag.DE)) && flags.has(VmFlag.MM)) {
      throw new ObstructedException(mapping.subject(), "it is memory of a device driver", "let the program unmap it");
    }
    if (mapping.protectionKey() != 0) {
      throw new ObstructedException(mapping.subject(), "it has protection key " + mapping.protectionKey(),
          "let the program use the default key (pkey_mprotect)");
    }
    return Optional.empty();
  }

  /// The kernel's own mappings, whose flags it sets itself (VM_SPECIAL of include/linux/mm.h).
  private static boolean special(boolean pfn, boolean io, boolean dontExpand) {
    return pfn || io || dontExpand;
  }

  @Override
  public void restore(Optional<State> state, VmaState vma, Script script) {
    boolean droppable = vma.has(VmFlag.DP.code());
    // Memory of hugetlbfs may not grow by mremap(2) either, and yet takes advice.
    boolean fixed = vma.has(VmFlag.DE.code()) && !vma.has(VmFlag.HT.code());
    if (special(vma.has(VmFlag.PF.code()), vma.has(VmFlag.IO.code()), fixed)) {
      return;
    }
    adviceByFlag().forEach((flag, advice) -> {
      boolean implied = droppable && (flag == VmFlag.WF || flag == VmFlag.DD);
      if (vma.has(flag.code()) && !implied) {
        script.call(Nr.MADVISE, flag.meaning(), Arg.address(vma.start()), Arg.imm(vma.lengthBytes()), Arg.imm(advice));
      }
    });
  }
}
