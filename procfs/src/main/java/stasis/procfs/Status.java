package stasis.procfs;

import java.util.List;
import java.util.Optional;
import stasis.linux.abi.SigSet;
import stasis.linux.abi.Tid;

/// `/proc/PID/status` of one task (proc_pid_status(5); fs/proc/array.c, proc_pid_status()). All lines are kept; the
/// methods give the ones we know their types. A line this kernel lacks is an empty Optional where that can happen.
public record Status(Fields fields) {
  /// The four ids of one kind.
  public record Ids(long real, long effective, long saved, long fileSystem) {}

  /// Capability sets; bit n is capability n (capabilities(7)).
  public record Capabilities(long inheritable, long permitted, long effective, long bounding, long ambient) {}

  public static Status parse(String latin1) {
    return new Status(Fields.parse(latin1));
  }

  /// comm. The kernel escapes newline and backslash here (fs/proc/array.c, proc_task_name()) and strips nothing, so a
  /// name that ends in blanks is better read from `comm`.
  public String name() {
    return unescape(fields.required("Name"));
  }

  private static String unescape(String text) {
    var plain = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '\\' && i + 1 < text.length()) {
        i++;
        plain.append(text.charAt(i) == 'n' ? '\n' : text.charAt(i));
      } else {
        plain.append(c);
      }
    }
    return plain.toString();
  }

  /// File mode creation mask; a zombie has none.
  public Optional<Integer> umask() {
    return fields.first("Umask").map(_ -> (int) fields.octal("Umask"));
  }

  /// The state's letter: R S D T t X Z P I.
  public char state() {
    return fields.required("State").charAt(0);
  }

  public Tid tgid() {
    return new Tid((int) fields.decimal("Tgid"));
  }

  public Tid pid() {
    return new Tid((int) fields.decimal("Pid"));
  }

  /// 0 if the parent is outside the reader's pid namespace.
  public int ppid() {
    return (int) fields.decimal("PPid");
  }

  /// 0 if nobody traces it.
  public int tracerPid() {
    return (int) fields.decimal("TracerPid");
  }

  public Ids uid() {
    return ids("Uid");
  }

  public Ids gid() {
    return ids("Gid");
  }

  private Ids ids(String key) {
    List<Long> ids = fields.decimals(key);
    if (ids.size() != 4) {
      throw new ProcFormatException("status", "four ids at " + key, ids.toString());
    }
    return new Ids(ids.get(0), ids.get(1), ids.get(2), ids.get(3));
  }

  /// Supplementary groups.
  public List<Long> groups() {
    return fields.decimals("Groups");
  }

  /// The pid in each pid namespace, from the reader's to the task's own.
  public List<Long> nsTgid() {
    return fields.decimals("NStgid");
  }

  public List<Long> nsPid() {
    return fields.decimals("NSpid");
  }

  public List<Long> nsPgid() {
    return fields.decimals("NSpgid");
  }

  public List<Long> nsSid() {
    return fields.decimals("NSsid");
  }

  public boolean kernelThread() {
    return fields.first("Kthread").map(v -> v.equals("1")).orElse(false);
  }

  public int threads() {
    return (int) fields.decimal("Threads");
  }

  /// Signals queued for the real user id, of how many allowed: shared with other processes of that user.
  public String signalQueue() {
    return fields.required("SigQ");
  }

  /// Pending for this thread.
  public SigSet pending() {
    return signals("SigPnd");
  }

  /// Pending for the whole thread group.
  public SigSet sharedPending() {
    return signals("ShdPnd");
  }

  public SigSet blocked() {
    return signals("SigBlk");
  }

  public SigSet ignored() {
    return signals("SigIgn");
  }

  public SigSet caught() {
    return signals("SigCgt");
  }

  private SigSet signals(String key) {
    return new SigSet(fields.hex(key));
  }

  public Capabilities capabilities() {
    return new Capabilities(fields.hex("CapInh"), fields.hex("CapPrm"), fields.hex("CapEff"), fields.hex("CapBnd"),
        fields.hex("CapAmb"));
  }

  public boolean noNewPrivs() {
    return fields.decimal("NoNewPrivs") != 0;
  }

  /// 0 off, 1 strict, 2 filter (seccomp(2)).
  public int seccomp() {
    return fields.has("Seccomp") ? (int) fields.decimal("Seccomp") : 0;
  }

  public int seccompFilters() {
    return fields.has("Seccomp_filters") ? (int) fields.decimal("Seccomp_filters") : 0;
  }

  /// In the kernel's words, e.g. `thread vulnerable` (PR_SET_SPECULATION_CTRL).
  public Optional<String> speculationStoreBypass() {
    return fields.first("Speculation_Store_Bypass");
  }

  public Optional<String> speculationIndirectBranch() {
    return fields.first("SpeculationIndirectBranch");
  }

  /// False if PR_SET_THP_DISABLE forbids huge pages; a zombie has no mm and no line.
  public Optional<Boolean> thpEnabled() {
    return fields.first("THP_enabled").map(v -> v.equals("1"));
  }

  public Optional<Long> untagMask() {
    return fields.first("untag_mask").map(_ -> fields.hex("untag_mask"));
  }

  /// Such as `shstk wrss`; empty text where none is on.
  public Optional<String> x86ThreadFeatures() {
    return fields.first("x86_Thread_features");
  }

  public Optional<String> x86ThreadFeaturesLocked() {
    return fields.first("x86_Thread_features_locked");
  }

  /// A size line such as VmLck, VmPin, VmRSS, HugetlbPages, in KiB; a task without an mm has none.
  public Optional<Long> kib(String key) {
    return fields.first(key).map(_ -> fields.kib(key));
  }

  /// A list such as `0-3,8`.
  public String cpusAllowedList() {
    return fields.required("Cpus_allowed_list");
  }

  public String memsAllowedList() {
    return fields.required("Mems_allowed_list");
  }
}
