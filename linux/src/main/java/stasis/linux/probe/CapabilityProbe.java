package stasis.linux.probe;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.sys.Syscalls;

/// Effective capabilities, capget(2). Numbers from include/uapi/linux/capability.h.
final class CapabilityProbe {
  private static final int LINUX_CAPABILITY_VERSION_3 = 0x20080522;
  private static final int CAP_SETGID = 6;
  private static final int CAP_SETUID = 7;
  private static final int CAP_NET_ADMIN = 12;
  private static final int CAP_IPC_LOCK = 14;
  private static final int CAP_SYS_PTRACE = 19;
  private static final int CAP_SYS_ADMIN = 21;
  private static final int CAP_SYS_NICE = 23;
  private static final int CAP_SYS_RESOURCE = 24;
  private static final int CAP_PERFMON = 38;
  private static final int CAP_BPF = 39;
  private static final int CAP_CHECKPOINT_RESTORE = 40;

  private CapabilityProbe() {}

  static List<Finding> look() throws SyscallException {
    long held = effective();
    boolean admin = has(held, CAP_SYS_ADMIN);
    List<Finding> findings = new ArrayList<>();
    findings.add(finding(Feature.CAP_SYS_PTRACE, has(held, CAP_SYS_PTRACE)));
    // The kernel accepts CAP_SYS_ADMIN for each of the capabilities that were split off it: include/linux/capability.h.
    findings.add(finding(Feature.CAP_CHECKPOINT_RESTORE, admin || has(held, CAP_CHECKPOINT_RESTORE)));
    findings.add(finding(Feature.CAP_SYS_ADMIN, admin));
    findings.add(finding(Feature.CAP_SYS_RESOURCE, has(held, CAP_SYS_RESOURCE)));
    findings.add(finding(Feature.CAP_SYS_NICE, has(held, CAP_SYS_NICE)));
    findings.add(finding(Feature.CAP_NET_ADMIN, has(held, CAP_NET_ADMIN)));
    findings.add(finding(Feature.CAP_BPF, admin || (has(held, CAP_BPF) && has(held, CAP_PERFMON))));
    findings.add(finding(Feature.CAP_IPC_LOCK, has(held, CAP_IPC_LOCK)));
    findings.add(finding(Feature.CAP_SETUID, has(held, CAP_SETUID) && has(held, CAP_SETGID)));
    return findings;
  }

  /// Bit n is capability n.
  private static long effective() throws SyscallException {
    try (Scratch scratch = new Scratch()) {
      long header = scratch.u32(LINUX_CAPABILITY_VERSION_3, 0);
      // Two of struct __user_cap_data_struct { effective, permitted, inheritable }: low words, then high words.
      MemorySegment data = scratch.out(24);
      Syscalls.require("read the capabilities of stasis itself", Nr.CAPGET, header, data.address());
      return Integer.toUnsignedLong(data.get(ValueLayout.JAVA_INT, 0))
          | (long) data.get(ValueLayout.JAVA_INT, 12) << 32;
    }
  }

  private static boolean has(long held, int capability) {
    return (held >>> capability & 1) != 0;
  }

  private static Finding finding(Feature feature, boolean held) {
    return held ? Finding.present(feature) : Finding.missing(feature, "not effective");
  }
}
