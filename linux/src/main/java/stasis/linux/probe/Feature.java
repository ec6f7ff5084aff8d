package stasis.linux.probe;

/// What a checkpoint or a restore may stand on, and what it costs when it is not there.
public enum Feature {
  CAP_SYS_PTRACE("CAP_SYS_PTRACE", "only your own, dumpable tasks can be checkpointed", "run as root"),
  CAP_CHECKPOINT_RESTORE("CAP_CHECKPOINT_RESTORE",
      "original pids come back only inside a user and pid namespace; /proc/PID/map_files cannot be opened",
      "run as root, or grant cap_checkpoint_restore"),
  CAP_SYS_ADMIN("CAP_SYS_ADMIN", "no seccomp filters, mounts or foreign namespaces", "run as root"),
  CAP_SYS_RESOURCE("CAP_SYS_RESOURCE",
      "hard limits above ours cannot be set again; /proc/PID/oom_score_adj cannot be lowered",
      "run where the capability was not dropped"),
  CAP_SYS_NICE("CAP_SYS_NICE", "real-time policies and negative nice values cannot be set again", "run as root"),
  CAP_NET_ADMIN("CAP_NET_ADMIN", "no TCP connections, no packet sockets", "run as root"),
  CAP_BPF("CAP_BPF and CAP_PERFMON", "hidden kernel state (timeouts in flight) is approximate, not exact",
      "run as root"),
  CAP_IPC_LOCK("CAP_IPC_LOCK", "mlocked memory above RLIMIT_MEMLOCK cannot come back", "run as root"),
  CAP_SETUID("CAP_SETUID and CAP_SETGID", "tasks with other users' ids cannot come back", "run as root"),

  PIDFD("pidfd_open, pidfd_getfd", "no checkpoint: files cannot be looked at without disturbing them", "Linux 5.6"),
  PIDFD_THREAD("pidfds of threads", "files held as pidfd of a thread are refused", "Linux 6.9"),
  CLONE3_SET_TID("clone3 with chosen tids", "original pids come back only inside a user and pid namespace",
      "CAP_CHECKPOINT_RESTORE"),
  USER_NAMESPACE("user and pid namespaces", "an ordinary user cannot restore at the original pid",
      "sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone"),
  TIME_NAMESPACE("time namespaces", "clocks may jump for the restored program after a reboot or on another host",
      "CONFIG_TIME_NS"),
  KCMP("kcmp", "shared files cannot be told from equal ones: no checkpoint", "CONFIG_KCMP"),
  SET_MM_MAP("PR_SET_MM_MAP", "brk, argv and auxv areas cannot be set again: no restore", "CONFIG_CHECKPOINT_RESTORE"),
  TIMER_IDS("PR_TIMER_CREATE_RESTORE_IDS", "programs with POSIX timers are refused, images of them not restored",
      "Linux 6.15"),
  LANDLOCK("Landlock", "no program here can be under Landlock; nothing is lost", "CONFIG_SECURITY_LANDLOCK"),

  PTRACE("ptrace of an own child", "no checkpoint at all", "the sandbox's seccomp filter must allow ptrace(2)"),
  PTRACE_GET_RSEQ_CONFIGURATION("PTRACE_GET_RSEQ_CONFIGURATION", "rseq is read by injection instead", "Linux 5.13"),
  PTRACE_GET_SYSCALL_INFO("PTRACE_GET_SYSCALL_INFO", "system calls in flight are guessed from registers", "Linux 5.3"),
  PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG("PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG",
      "syscall user dispatch cannot be seen", "Linux 6.4"),
  YAMA("yama ptrace_scope", "only children can be seized", "sysctl kernel.yama.ptrace_scope=0"),
  BPF_ITERATOR("BPF with BTF", "hidden kernel state (timeouts in flight) is approximate, not exact",
      "CONFIG_DEBUG_INFO_BTF, CAP_BPF and CAP_PERFMON"),

  PAGEMAP_SCAN("PAGEMAP_SCAN", "page runs are read from pagemap, slower", "Linux 6.7"),
  GUARD_REGION("guard regions (MADV_GUARD_INSTALL)", "no program here has them; images that do cannot be restored",
      "Linux 6.13"),
  USERFAULTFD("userfaultfd", "no lazy restore, no write tracking", "CAP_SYS_PTRACE or vm.unprivileged_userfaultfd=1"),
  UFFD_WP_ASYNC("userfaultfd write tracking (WP_ASYNC)",
      "writes are tracked by soft-dirty bits; without those each incremental checkpoint reads all pages", "Linux 6.7"),
  SOFT_DIRTY("soft-dirty pages", "nothing where userfaultfd tracks writes", "CONFIG_MEM_SOFT_DIRTY"),
  VMA_NAME("names of anonymous vmas", "no program here has them; images that do lose them, told",
      "CONFIG_ANON_VMA_NAME"),
  MSEAL("mseal", "no program here has sealed vmas", "Linux 6.10"),
  MEMFD_SECRET("memfd_secret", "nothing: its pages cannot be checkpointed anyway", "secretmem.enable=1"),
  MDWE("PR_GET_MDWE", "no program here has it", "Linux 6.3"),
  PROTECTION_KEYS("protection keys", "images of programs that use them are refused", "a CPU with PKU"),
  AMX("AMX tile data", "images of programs that use it are refused", "a CPU with AMX"),
  MAP_FILES("/proc/PID/map_files", "deleted mapped files are read through the task's memory, holes are lost",
      "CAP_CHECKPOINT_RESTORE"),

  INOTIFY_NEXT_WD("INOTIFY_IOC_SETNEXTWD", "watch numbers are reached by adding and removing watches",
      "CONFIG_CHECKPOINT_RESTORE"),
  TCP_REPAIR("TCP_REPAIR", "no TCP connections", "CAP_NET_ADMIN"),
  LISTMOUNT("listmount, statmount", "mounts are read from mountinfo", "Linux 6.8"),

  MAX_MAP_COUNT("vm.max_map_count", "an image with more vmas cannot be restored", "sysctl vm.max_map_count"),
  PID_MAX("kernel.pid_max", "an image with a larger pid cannot be restored here", "sysctl kernel.pid_max"),
  HARD_NOFILE("hard limit of open files", "tasks with a larger limit or higher fds cannot come back",
      "CAP_SYS_RESOURCE, or raise the limit before starting"),
  MEMLOCK("hard limit of locked memory", "larger locked mappings cannot come back", "ulimit -l"),
  XSTATE("xsave area", "an image that uses a missing component is refused by its name", "a CPU that has it");

  private final String label;
  private final String cost;
  private final String remedy;

  Feature(String label, String cost, String remedy) {
    this.label = label;
    this.cost = cost;
    this.remedy = remedy;
  }

  /// As people write it.
  public String label() {
    return label;
  }

  /// What its absence costs.
  public String cost() {
    return cost;
  }

  /// What would bring it: a setting, a capability, or the kernel that has it.
  public String remedy() {
    return remedy;
  }
}
