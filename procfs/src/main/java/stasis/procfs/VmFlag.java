package stasis.procfs;

/// A two-letter code of the line `VmFlags:` in smaps (fs/proc/task_mmu.c, show_smap_vma_flags(); proc_pid_smaps(5)).
public enum VmFlag {
  RD("readable"), WR("writable"), EX("executable"), SH("shared"),
  MR("mprotect(2) may make it readable"), MW("mprotect(2) may make it writable"),
  ME("mprotect(2) may make it executable"), MS("may be shared"),
  GD("grows down: a stack"), PF("pure PFN range, no struct pages"), LO("mlock(2): resident"),
  LF("mlock2(2) MLOCK_ONFAULT"), IO("memory-mapped I/O"), SR("MADV_SEQUENTIAL"), RR("MADV_RANDOM"),
  DC("MADV_DONTFORK: not copied by fork(2)"), DE("mremap(2) may not expand it"),
  AC("accounted against the commit limit"), NR("MAP_NORESERVE: no swap reserved"), HT("hugetlb pages"),
  SF("MAP_SYNC: synchronous page faults"), AR("architecture specific"), WF("MADV_WIPEONFORK: zeroes in the child"),
  DD("MADV_DONTDUMP: not in a core"), BT("arm64 BTI guarded"), SD("soft-dirty since the last clear"),
  MM("mixed map: pages with and without struct page"), HG("MADV_HUGEPAGE"), NH("MADV_NOHUGEPAGE"),
  MG("MADV_MERGEABLE: KSM"), UM("userfaultfd: missing pages"), UW("userfaultfd: write-protected pages"),
  UI("userfaultfd: minor faults"), MT("arm64 memory tagging"), SS("shadow stack"),
  SL("sealed by mseal(2)"), DP("MAP_DROPPABLE"), GU("may hold guard regions");

  private final String meaning;

  VmFlag(String meaning) {
    this.meaning = meaning;
  }

  /// As the kernel prints it.
  public String code() {
    return name().toLowerCase(java.util.Locale.ROOT);
  }

  /// Its bit in [VmFlags]; ours, not the kernel's.
  @SuppressWarnings("EnumOrdinal") // never stored: a statefile has the codes
  long bit() {
    return 1L << ordinal();
  }

  /// For people.
  public String meaning() {
    return meaning;
  }
}
