package stasis.kinds.group.mmflags;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Mman;
import stasis.linux.abi.Nr;
import stasis.procfs.Limits;
import stasis.procfs.Smaps;
import stasis.procfs.VmFlag;
import stasis.resource.Answer;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.Extent;
import stasis.resource.FrozenGroup;
import stasis.resource.GroupAspect;
import stasis.resource.HiddenMm;
import stasis.resource.Loss;
import stasis.resource.ObstructedException;
import stasis.resource.Question;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;

/// Settings of an mm as a whole: huge pages, page merging, locking of mappings to come. What
/// fork(2) inherits is always set.
public final class MmFlags implements GroupAspect<MmFlags.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "group.mmflags", 1);
  private static final int PR_SET_THP_DISABLE = 41;
  private static final int PR_GET_THP_DISABLE = 42;
  private static final int PR_SET_MEMORY_MERGE = 67;
  private static final int PR_GET_MEMORY_MERGE = 68;
  private static final int CAP_IPC_LOCK = 14;
  private static final int INVALID_MAP_TYPE = 0;
  private static final long PROBE_BYTES = 1L << 40;
  private static final Question THP = get(PR_GET_THP_DISABLE);
  private static final Question MERGE = get(PR_GET_MEMORY_MERGE);
  /// A mapping that is never made, for its type is none; but before the kernel sees that, it asks whether so much
  /// could be locked, if new mappings are: EAGAIN instead of EINVAL (mm/mmap.c, do_mmap()).
  private static final Question FUTURE_LOCK = Question.of(Nr.MMAP, Arg.imm(0), Arg.imm(PROBE_BYTES),
      Arg.imm(Mman.PROT_NONE), Arg.imm(Mman.MAP_ANONYMOUS | INVALID_MAP_TYPE), Arg.imm(-1), Arg.imm(0));

  /// @param thpDisable PR_GET_THP_DISABLE's answer: bit 0 disabled, others its flags @param memoryMerge
  ///     PR_SET_MEMORY_MERGE
  /// @param unmerged vmas that were taken out of merging again @param mlockallFlags MCL_FUTURE and MCL_ONFAULT, or 0
  /// @param mlockallGuessed whether they were told from what is locked now
  record State(@Tag(1) int thpDisable, @Tag(2) boolean memoryMerge, @Tag(3) List<Extent> unmerged,
      @Tag(4) int mlockallFlags, @Tag(5) boolean mlockallGuessed) {
    State {
      unmerged = List.copyOf(unmerged);
    }
  }

  private static Question get(int option) {
    return Question.of(Nr.PRCTL, Arg.imm(option), Arg.imm(0), Arg.imm(0), Arg.imm(0), Arg.imm(0));
  }

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public List<Question> questions(FrozenGroup group) {
    return group.hiddenMm().isPresent() ? List.of(THP, MERGE) : List.of(THP, MERGE, FUTURE_LOCK);
  }

  @Override
  public Optional<State> checkpoint(FrozenGroup group, Answers answers) throws ObstructedException {
    Optional<HiddenMm> hidden = group.hiddenMm();
    refuseRarities(group, hidden);
    boolean merge = !answers.to(MERGE).failedWith(Errno.EINVAL)
        && answers.require(MERGE, group.subject()).result() != 0;
    Future future = hidden.isPresent() ? new Future(hidden.get().mlockallFlags(), false) : future(group, answers);
    return Optional.of(new State((int) answers.require(THP, group.subject()).result(), merge,
        merge ? unmerged(group) : List.of(), future.flags(), future.guessed()));
  }

  private static void refuseRarities(FrozenGroup group, Optional<HiddenMm> hidden) throws ObstructedException {
    if (hidden.filter(HiddenMm::hasLdt).isPresent()) {
      throw new ObstructedException(group.subject(), "it has a local descriptor table (modify_ldt)", "");
    }
    // Key 0 is everybody's.
    if (hidden.filter(mm -> (mm.protectionKeys() & ~1) != 0).isPresent()) {
      throw new ObstructedException(group.subject(), "it has allocated protection keys", "let it pkey_free them");
    }
    if (group.leader().status().untagMask().filter(mask -> mask != -1).isPresent()) {
      throw new ObstructedException(group.subject(), "it uses tagged addresses (linear address masking)", "");
    }
  }

  private record Future(int flags, boolean guessed) {}

  /// The probe tells nothing of a task that may lock as much as it likes.
  private static Future future(FrozenGroup group, Answers answers) throws ObstructedException {
    Answer probe = answers.to(FUTURE_LOCK);
    boolean locked = group.leader().status().kib("VmLck").orElse(0L) > 0;
    if (probe.failedWith(Errno.EAGAIN)) {
      return new Future(Mman.MCL_FUTURE | onFault(group), true);
    }
    long limit = Limits.parse(group.leader().proc("limits")).of(Limits.Resource.MEMLOCK).soft();
    boolean telling = (group.leader().status().capabilities().effective() >>> CAP_IPC_LOCK & 1) == 0
        && Long.compareUnsigned(limit, PROBE_BYTES) < 0;
    if (telling || !locked) {
      return new Future(0, false);
    }
    boolean all = ordinary(group).allMatch(entry -> entry.flags().has(VmFlag.LO));
    return new Future(all ? Mman.MCL_FUTURE | onFault(group) : 0, true);
  }

  private static int onFault(FrozenGroup group) throws ObstructedException {
    return ordinary(group).anyMatch(entry -> entry.flags().has(VmFlag.LF)) ? Mman.MCL_ONFAULT : 0;
  }

  private static Stream<Smaps.Entry> ordinary(FrozenGroup group) throws ObstructedException {
    return Smaps.parse(group.leader().proc("smaps")).entries().stream().filter(entry -> entry.vma().isAnonymous());
  }

  /// PR_SET_MEMORY_MERGE marks every vma it can; these were unmarked one by one.
  private static List<Extent> unmerged(FrozenGroup group) throws ObstructedException {
    return Smaps.parse(group.leader().proc("smaps")).entries().stream()
        .filter(entry -> !entry.vma().isSpecial() && !entry.vma().shared() && !entry.flags().has(VmFlag.MG))
        .map(entry -> new Extent(entry.vma().address(), entry.vma().lengthBytes())).toList();
  }

  @Override
  public List<Loss> losses(State state) {
    return state.mlockallGuessed()
        ? List.of(new Loss(
            "whether mlockall(2) locks memory to come, now or when touched, was told from what is locked",
            "run with CAP_BPF and CAP_PERFMON")) : List.of();
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    script.call(Nr.PRCTL, "transparent huge pages " + (state.thpDisable() == 0 ? "allowed" : "disabled"),
        Arg.imm(PR_SET_THP_DISABLE), Arg.imm(state.thpDisable() & 1), Arg.imm(state.thpDisable() & ~1), Arg.imm(0),
        Arg.imm(0));
    merge(state, script);
    if (state.mlockallFlags() != 0) {
      script.call(Nr.MLOCKALL, "mappings to come are locked", Arg.imm(state.mlockallFlags()));
    }
  }

  private static void merge(State state, Script script) {
    Arg on = Arg.imm(state.memoryMerge() ? 1 : 0);
    if (!state.memoryMerge()) {
      script.callTolerating(Set.of(Errno.EINVAL), Nr.PRCTL, "pages are not merged, nor could be on some kernels",
          Arg.imm(PR_SET_MEMORY_MERGE), on, Arg.imm(0), Arg.imm(0), Arg.imm(0));
      return;
    }
    script.call(Nr.PRCTL, "equal pages are merged", Arg.imm(PR_SET_MEMORY_MERGE), on, Arg.imm(0), Arg.imm(0),
        Arg.imm(0));
    for (Extent vma : state.unmerged()) {
      script.call(Nr.MADVISE, "but not here", Arg.address(vma.start()), Arg.imm(vma.lengthBytes()),
          Arg.imm(Mman.MADV_UNMERGEABLE));
    }
  }

  @Override
  public Stage stage() {
    return Stage.ATTRIBUTES;
  }

  @Override
  public Of of() {
    return Of.MM;
  }
}
