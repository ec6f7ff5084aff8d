package stasis.engine;

import java.util.Collection;
import java.util.SortedMap;
import java.util.TreeMap;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.SyscallException;
import stasis.procfs.ProcException;
import stasis.tracee.TracerThread;

/// What a host says of itself to those who plan a restore on it: questions and answers, as docs/designs/needs.md lists
/// them.
///
/// @param answers by question
public record HostReport(SortedMap<String, String> answers) {
  /// What any plan asks.
  private static final String[] GENERAL = {HostQuestion.VDSO, HostQuestion.XFEATURES, HostQuestion.CAPABILITIES,
      HostQuestion.OPEN_FILES, HostQuestion.SETS_PROGRAM,
      HostQuestion.SHM, "ipc sem", "ipc msg", "inherited limits", "inherited status",
      "inherited stat", "inherited cgroup", "inherited oom_score_adj", "inherited attr/current", "inherited loginuid"};

  /// Of this host.
  ///
  /// @param questions besides those that any plan asks
  /// @throws IllegalArgumentException where one of them is none
  public static HostReport of(Environment environment, Collection<String> questions)
      throws SyscallException, ProcException {
    LiveHost host = look(environment);
    var answers = new TreeMap<String, String>();
    for (String question : GENERAL) {
      answers.put(question, HostQuestion.answer(host, question));
    }
    for (String question : questions) {
      answers.put(question, HostQuestion.answer(host, question));
    }
    return new HostReport(answers);
  }

  static LiveHost look(Environment environment) throws SyscallException, ProcException {
    return look(environment, Place.ANY);
  }

  /// @param place where a tree is to be restored
  static LiveHost look(Environment environment, Place place) throws SyscallException, ProcException {
    try (TracerThread tracer = new TracerThread()) {
      Bytes vdso = LiveHost.ownVdso(environment.proc());
      return LiveHost.look(environment.proc(), tracer.call(ptrace -> Rehearsal.look(ptrace, vdso)), place);
    }
  }
}
