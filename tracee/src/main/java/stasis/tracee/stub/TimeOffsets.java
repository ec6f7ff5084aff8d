package stasis.tracee.stub;

import java.util.Locale;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;

/// How far the clocks of a time namespace are ahead of those of the first one (time_namespaces(7)), ns.
///
/// @param monotonicNs of CLOCK_MONOTONIC and its like @param boottimeNs of CLOCK_BOOTTIME
public record TimeOffsets(long monotonicNs, long boottimeNs) {
  static final long CLONE_NEWTIME = 0x80;
  private static final long NANOS = 1_000_000_000L;

  /// Makes a time namespace which the children of `parent` will be born into.
  public void makeFor(Stub parent) throws SyscallException {
    long unshared = parent.call(Nr.UNSHARE, CLONE_NEWTIME);
    if (Errno.isError(unshared)) {
      throw new SyscallException(Nr.UNSHARE, Errno.of(unshared), "make a time namespace", "needs CAP_SYS_ADMIN");
    }
    set(parent.tid());
  }

  /// Possible only until the first child is born.
  void set(Tid parent) throws SyscallException {
    ProcFile.write("/proc/" + parent + "/timens_offsets",
        line("monotonic", monotonicNs) + line("boottime", boottimeNs), "needs CAP_SYS_TIME");
  }

  private static String line(String clock, long ns) {
    return String.format(Locale.ROOT, "%s %d %d%n", clock, Math.floorDiv(ns, NANOS), Math.floorMod(ns, NANOS));
  }
}
