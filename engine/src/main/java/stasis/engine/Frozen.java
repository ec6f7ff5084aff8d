package stasis.engine;

import java.util.List;
import java.util.Optional;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Tid;
import stasis.procfs.ProcException;
import stasis.procfs.ProcTask;
import stasis.resource.Answer;
import stasis.resource.CpuState;
import stasis.resource.HiddenMm;
import stasis.resource.HiddenThread;
import stasis.resource.ObstructedException;
import stasis.resource.Question;
import stasis.resource.Rseq;
import stasis.resource.SeccompFilter;
import stasis.resource.UserDispatch;

/// A stopped thread group as the collector needs it: what ptrace and errands can tell. The live one holds tracees; a
/// test holds records.
interface Frozen {
  Tid leader();

  /// All live threads, leader first unless it has ended.
  List<Tid> threads();

  /// The signal of the group stop it was found in, 0 for none.
  int stopSignal();

  /// Its vmas.
  ///
  /// @param proc of its leader
  List<VmaFacts> vmas(ProcTask proc) throws ProcException;

  /// What no API tells of the mm; empty where the kernel's memory may not be read.
  Optional<HiddenMm> hiddenMm();

  /// Whether orphans below come to this group (PR_SET_CHILD_SUBREAPER); empty where only the task could tell.
  Optional<Boolean> childSubreaper();

  /// See [stasis.resource.FrozenTask#hidden].
  Optional<HiddenThread> hidden(Tid thread);

  CpuState cpu(Tid thread) throws ObstructedException;

  /// Queued siginfo, 128 bytes each.
  List<Bytes> pending(Tid thread) throws ObstructedException;

  List<Bytes> sharedPending() throws ObstructedException;

  Optional<Rseq> rseq(Tid thread) throws ObstructedException;

  /// Oldest first.
  List<SeccompFilter> seccompFilters(Tid thread, int count) throws ObstructedException;

  Optional<UserDispatch> userDispatch(Tid thread) throws ObstructedException;

  /// The answers, in the order of the questions; the cheapest truthful way is the implementation's choice.
  List<Answer> ask(Tid thread, List<Question> questions) throws ObstructedException;
}
