package stasis.kinds.task.credentials;

import java.util.StringJoiner;

/// The capabilities of Linux in the kernel's order, so that the ordinal is the number
/// (include/uapi/linux/capability.h).
enum Capability {
  CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_FSETID, CAP_KILL, CAP_SETGID, CAP_SETUID,
  CAP_SETPCAP, CAP_LINUX_IMMUTABLE, CAP_NET_BIND_SERVICE, CAP_NET_BROADCAST, CAP_NET_ADMIN, CAP_NET_RAW, CAP_IPC_LOCK,
  CAP_IPC_OWNER, CAP_SYS_MODULE, CAP_SYS_RAWIO, CAP_SYS_CHROOT, CAP_SYS_PTRACE, CAP_SYS_PACCT, CAP_SYS_ADMIN,
  CAP_SYS_BOOT, CAP_SYS_NICE, CAP_SYS_RESOURCE, CAP_SYS_TIME, CAP_SYS_TTY_CONFIG, CAP_MKNOD, CAP_LEASE,
  CAP_AUDIT_WRITE, CAP_AUDIT_CONTROL, CAP_SETFCAP, CAP_MAC_OVERRIDE, CAP_MAC_ADMIN, CAP_SYSLOG, CAP_WAKE_ALARM,
  CAP_BLOCK_SUSPEND, CAP_AUDIT_READ, CAP_PERFMON, CAP_BPF, CAP_CHECKPOINT_RESTORE;

  long mask() {
    return 1L << ordinal();
  }

  /// The names in a set, unknown ones by number.
  static String names(long set) {
    StringJoiner names = new StringJoiner(", ");
    for (int number = 0; number < Long.SIZE; number++) {
      if ((set >>> number & 1) != 0) {
        names.add(number < values().length ? values()[number].name() : "capability " + number);
      }
    }
    return names.toString();
  }
}
