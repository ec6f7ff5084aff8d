package stasis.engine;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import stasis.image.ObjectId;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Mman;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.procfs.VmFlag;
import stasis.resource.Arg;
import stasis.resource.Extent;
import stasis.resource.KindSet;
import stasis.resource.MappingAspect;
import stasis.resource.MappingKind;
import stasis.resource.MmState;
import stasis.resource.Program;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;
import stasis.resource.Step;
import stasis.resource.TaskState;
import stasis.resource.VmaState;

/// Writes the steps that make one mm out of what its process was born with.
final class MemoryPlan {
  private static final int MREMAP_IN_PLACE = 0;
  /// Stretches of huge pages in one vma that are filled by themselves; more of them lie where nothing is to be gained.
  private static final int MOST_HUGE = 4096;

  private final KindSet kinds;
  private final Capture capture;
  private final Program program;
  private final ObjectId leader;
  private final TaskState task;
  private final Script script;
  private final Refs refs;
  private final Map<MappingAspect<?>, Map<Long, Capture.Item<?>>> attachments;
  /// In address order, as the vmas are written.
  private final List<Extent> huge;
  private int nextHuge;

  MemoryPlan(KindSet kinds, Capture capture, Program program, ObjectId leader, Refs refs) {
    this.kinds = kinds;
    this.capture = capture;
    this.program = program;
    this.leader = leader;
    this.task = GroupPlan.require(capture.tasks(), leader);
    this.script = program.in(leader);
    this.refs = refs;
    this.attachments = attachments();
    this.huge = GroupPlan.require(capture.mms(), task.mm()).huge();
  }

  /// The mm, complete but for what would forbid the rest.
  ///
  /// @param inherited what the process was born with, if anything @param begin appends what comes before the first vma
  void write(Optional<Inheritance> inherited, Runnable begin) {
    MmState mm = GroupPlan.require(capture.mms(), task.mm());
    inherited.ifPresent(this::leave);
    begin.run();
    SequencedMap<ObjectId, Optional<Ref<Fd>>> backings = new java.util.LinkedHashMap<>();
    for (VmaState vma : mm.vmas()) {
      Capture.Item<?> item = GroupPlan.require(capture.items(), vma.backing());
      if (!(item.kind() instanceof MappingKind<?> kind)) {
        throw new IllegalStateException("backing of " + vma.start() + " is a " + item.kind().schema().name());
      }
      Optional<VmaState> from = inherited.flatMap(known -> known.from(vma));
      if (from.isPresent()) {
        keep(kind, item, vma, from.get());
        continue;
      }
      Optional<Ref<Fd>> file = backings.get(item.id());
      if (file == null) {
        file = open(kind, item);
        backings.put(item.id(), file);
      }
      map(kind, item, vma, file);
    }
    drop(mm);
    backings.values().forEach(file -> file.ifPresent(
        fd -> script.call(Nr.CLOSE, "mapped file", Arg.result(fd))));
    aspects(Stage.MEMORY_ATTRIBUTES);
  }

  /// What it was born with and has no more.
  private void leave(Inheritance inherited) {
    for (VmaState vma : inherited.gone()) {
      if (Long.compareUnsigned(vma.start().bits(), Planner.TASK_SIZE) < 0) {
        script.call(Nr.MUNMAP, "not its own", Arg.address(vma.start()), Arg.imm(vma.lengthBytes()));
      }
    }
  }

  /// A vma it was born with: brought to its length, then only the pages that differ. Those go in from outside where the
  /// program could not write them.
  private void keep(MappingKind<?> kind, Capture.Item<?> item, VmaState vma, VmaState from) {
    long excess = from.lengthBytes() - vma.lengthBytes();
    if (excess > 0) {
      script.call(Nr.MUNMAP, "has become shorter", Arg.address(vma.end()), Arg.imm(excess));
    } else if (excess < 0) {
      script.callExpecting(vma.start().bits(), Nr.MREMAP, "has become longer", Arg.address(vma.start()),
          Arg.imm(from.lengthBytes()), Arg.imm(vma.lengthBytes()), Arg.imm(MREMAP_IN_PLACE));
    }
    if (Kinded.pages(kind, item) == MappingKind.Pages.PRIVATE) {
      boolean writable = (vma.prot() & VmaState.PROT_WRITE) != 0;
      boolean opened = !writable && isHuge(vma);
      if (opened) {
        protect(vma, vma.prot() | VmaState.PROT_WRITE, "writable meanwhile");
      }
      program.append(new Step.Fill(leader, task.mm(), vma.start().bits(), vma.lengthBytes(), vma.start(),
          !writable && !opened, "pages that differ from its parent's"));
      if (opened) {
        protect(vma, vma.prot(), "final protection");
      }
    }
  }

  /// Memory in huge pages of hugetlbfs is not accounted, and cannot be written against its protection (mm/gup.c,
  /// check_vma_flags()).
  private static boolean isHuge(VmaState vma) {
    return vma.has("ht");
  }

  private void protect(VmaState vma, int prot, String why) {
    script.call(Nr.MPROTECT, why, Arg.address(vma.start()), Arg.imm(vma.lengthBytes()), Arg.imm(prot));
  }

  private void drop(MmState mm) {
    for (Extent pages : mm.dropped()) {
      script.call(Nr.MADVISE, "pages only its parent has", Arg.address(pages.start()), Arg.imm(pages.lengthBytes()),
          Arg.imm(Mman.MADV_DONTNEED));
    }
  }

  private <S extends Record> Optional<Ref<Fd>> open(MappingKind<S> kind, Capture.Item<?> item) {
    return kind.open(Kinded.stateOf(kind, item), script, refs);
  }

  /// Maps a vma and fills it. A vma that was never writable for its task is written from outside, so that the kernel
  /// does not account it as if it had been (VM_ACCOUNT, mm/mprotect.c); MAP_NORESERVE memory never is.
  private <S extends Record> void map(MappingKind<S> kind, Capture.Item<?> item, VmaState vma,
      Optional<Ref<Fd>> file) {
    boolean filled = Kinded.pages(kind, item) == MappingKind.Pages.PRIVATE;
    boolean writable = (vma.prot() & VmaState.PROT_WRITE) != 0;
    boolean direct = writable || vma.has("ac") || vma.has("nr") || isHuge(vma);
    int prot = filled && direct ? vma.prot() | VmaState.PROT_WRITE : vma.prot();
    kind.map(Kinded.stateOf(kind, item), vma, prot, file, script, refs);
    kinds.mappingAspects().forEach(aspect -> mapped(aspect, vma));
    if (filled) {
      fill(vma, !direct);
    }
    if (prot != vma.prot()) {
      protect(vma, vma.prot(), "final protection");
    }
  }

  private void fill(VmaState vma, boolean forced) {
    List<Extent> inHuge = forced ? List.of() : hugeIn(vma);
    if (inHuge.isEmpty()) {
      fill(vma.start(), vma.end(), forced);
      return;
    }
    // Only what lay in huge pages is to again. Advice for a part would divide the vma, and what has been filled in parts
    // with different advice stays divided (mm/rmap.c, anon_vma_compatible()).
    advise(vma, Mman.MADV_HUGEPAGE, "lay in huge pages");
    inHuge.forEach(pages -> fill(pages.start(), pages.end(), false));
    advise(vma, Mman.MADV_NOHUGEPAGE, "did not lie in huge pages");
    RemoteAddress from = vma.start();
    for (Extent pages : inHuge) {
      fill(from, pages.start(), false);
      from = pages.end();
    }
    fill(from, vma.end(), false);
  }

  private void fill(RemoteAddress from, RemoteAddress to, boolean forced) {
    if (from.compareTo(to) < 0) {
      program.append(new Step.Fill(leader, task.mm(), from.bits(), to.bits() - from.bits(), from, forced, "contents"));
    }
  }

  private void advise(VmaState vma, int advice, String why) {
    script.call(Nr.MADVISE, why, Arg.address(vma.start()), Arg.imm(vma.lengthBytes()), Arg.imm(advice));
  }

  /// Where the program had asked for them, as what it asked is still to be said of the vma when it is full. Where the
  /// kernel had chosen by itself it may do so again.
  private List<Extent> hugeIn(VmaState vma) {
    var within = new ArrayList<Extent>();
    for (; vma.has(VmFlag.HG.code()) && nextHuge < huge.size()
        && huge.get(nextHuge).start().compareTo(vma.end()) < 0; nextHuge++) {
      if (huge.get(nextHuge).start().compareTo(vma.start()) >= 0) {
        within.add(huge.get(nextHuge));
      }
    }
    return within.size() > MOST_HUGE ? within.subList(0, MOST_HUGE) : within;
  }

  private Map<MappingAspect<?>, Map<Long, Capture.Item<?>>> attachments() {
    Map<MappingAspect<?>, Map<Long, Capture.Item<?>>> found = new HashMap<>();
    for (MmState.Attachment attachment : GroupPlan.require(capture.mms(), task.mm()).attachments()) {
      Capture.Item<?> item = GroupPlan.require(capture.items(), attachment.aspect());
      if (item.kind() instanceof MappingAspect<?> aspect) {
        found.computeIfAbsent(aspect, _ -> new HashMap<>()).put(attachment.vma().bits(), item);
      }
    }
    return found;
  }

  void aspects(Stage stage) {
    for (MappingAspect<?> aspect : kinds.mappingAspects()) {
      if (aspect.stage() == stage) {
        for (VmaState vma : GroupPlan.require(capture.mms(), task.mm()).vmas()) {
          restore(aspect, vma);
        }
      }
    }
  }

  private <S extends Record> Optional<S> attached(MappingAspect<S> aspect, VmaState vma) {
    return Optional.ofNullable(attachments.getOrDefault(aspect, Map.of()).get(vma.start().bits()))
        .map(item -> Kinded.stateOf(aspect, item));
  }

  private <S extends Record> void mapped(MappingAspect<S> aspect, VmaState vma) {
    aspect.mapped(attached(aspect, vma), vma, script);
  }

  private <S extends Record> void restore(MappingAspect<S> aspect, VmaState vma) {
    aspect.restore(attached(aspect, vma), vma, script);
  }
}
