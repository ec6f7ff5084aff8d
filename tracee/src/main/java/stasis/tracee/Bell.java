package stasis.tracee;

import java.util.List;
import java.util.Optional;
import stasis.linux.abi.Arch;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SigSet;

/// How a list of calls tells us that it is done, with one stop for all of them: its last call sends the thread itself a
/// signal that the program neither handles, nor blocks, and whose default is to be ignored. A tracer gets to see it
/// (kernel/signal.c, `sig_ignored()` says no to a traced task); without one, nothing happens at all.
///
/// @param group @param thread ids as the task itself sees them
record Bell(int signal, int group, int thread) {
  /// SIGWINCH, SIGURG, SIGCHLD.
  private static final List<Integer> IGNORED_BY_DEFAULT = List.of(28, 23, 17);

  /// @param mask of the thread in user mode
  /// @return empty when the program has handlers for all of them, as Go programs do; then each call is a stop
  static Optional<Bell> of(TaskStatus status, SigSet mask) {
    SigSet caught = status.signals("SigCgt");
    SigSet blocked = status.signals("SigBlk");
    return IGNORED_BY_DEFAULT.stream()
        .filter(signal -> !caught.contains(signal) && !blocked.contains(signal) && !mask.contains(signal)).findFirst()
        .map(signal -> new Bell(signal, status.innermostGroup(), status.innermostTid()));
  }

  SigSet allOthers() {
    return new SigSet(~(1L << (signal - 1)));
  }

  /// tgkill(2) as an entry of a list ([ParachuteCode]), without its links.
  Bytes call() {
    return Bytes.zeros(ParachuteCode.CALL_BYTES)
        .withU64(ParachuteCode.NUMBER, Nr.TGKILL.on(Arch.X86_64))
        .withU64(ParachuteCode.ARGUMENTS, group)
        .withU64(ParachuteCode.ARGUMENTS + 8, thread)
        .withU64(ParachuteCode.ARGUMENTS + 16, signal);
  }
}
